"""Names of the ten curated reaction classes of the patent sets.

Schneider, Stiefl and Landrum, J. Chem. Inf. Model. 2016, 56, 2336; the numbers are those of USPTO-50k.
"""

CLASS_NAMES = {
    1: "heteroatom alkylation and arylation",
    2: "acylation and related processes",
    3: "C-C bond formation",
    4: "heterocycle formation",
    5: "protections",
    6: "deprotections",
    7: "reductions",
    8: "oxidations",
    9: "functional group interconversion",
    10: "functional group addition",
}
