"""Neural networks of retort: what a language model is, how one is built, stored and decoded.

``protocol``, ``checkpoint`` and ``toy`` import without torch; every other module of this floor needs the extra
``[train]``.
"""
