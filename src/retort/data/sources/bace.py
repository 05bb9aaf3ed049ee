"""BACE: inhibitors of human beta-secretase 1."""

from retort.data.sources._moleculenet import property_set

SOURCE = property_set(
    "bace",
    "bace.csv",
    "BACE, 1,513 molecules that bind human beta-secretase 1 or do not",
    "Subramanian et al. 2016",
    ("Class",),
    smiles="mol",
    note="The column Model names a split of its authors that is not used here.",
)
