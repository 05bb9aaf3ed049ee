"""Tox21: twelve assays of toxicity."""

from retort.data.sources._moleculenet import property_set

SOURCE = property_set(
    "tox21",
    "tox21.csv.gz",
    "Tox21, 7,831 molecules in twelve assays of nuclear receptors and stress responses",
    "Tox21 Data Challenge 2014, US National Institutes of Health",
    (
        "NR-AR",
        "NR-AR-LBD",
        "NR-AhR",
        "NR-Aromatase",
        "NR-ER",
        "NR-ER-LBD",
        "NR-PPAR-gamma",
        "SR-ARE",
        "SR-ATAD5",
        "SR-HSE",
        "SR-MMP",
        "SR-p53",
    ),
    note="One row per molecule and assay that was measured; empty cells are no rows.",
)
