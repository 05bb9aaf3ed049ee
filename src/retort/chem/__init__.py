"""Chemistry as immutable values and pure functions, on RDKit and numpy.

``tokens`` and ``reaction`` work on text alone, ``molecular_graph`` on arrays; every other module of this floor imports
RDKit.
"""
