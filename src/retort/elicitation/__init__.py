"""Elicitation: from reactions to reaction types, without a label that anybody wrote.

Reactions become vectors, vectors become clusters, and a criterion says which clusters are worth knowing. Torch,
scikit-learn and RDKit are imported by the functions that need them, so that frozen types are read without any of them.
"""
