"""BBBP: whether molecules pass the blood-brain barrier."""

from retort.data.sources._moleculenet import property_set

SOURCE = property_set(
    "bbbp",
    "BBBP.csv",
    "BBBP, some 2,050 molecules that pass the blood-brain barrier or do not",
    "Martins et al. 2012",
    ("p_np",),
    note="Some dozen SMILES cannot be read.",
)
