"""Chemistry as immutable values and pure functions, on RDKit and numpy.

``tokens`` and ``reaction`` work on text alone and import no RDKit; every other module of this floor does.
"""
