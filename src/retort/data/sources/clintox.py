"""ClinTox: drugs that were approved, and drugs that failed in clinical trials for their toxicity."""

from retort.data.sources._moleculenet import property_set

SOURCE = property_set(
    "clintox",
    "clintox.csv.gz",
    "ClinTox, some 1,480 drugs: approved by the FDA, and toxic in clinical trials",
    "Gayvert et al. 2016 and Artemov et al. 2016",
    ("FDA_APPROVED", "CT_TOX"),
    note="The two labels are almost each other's opposite: whoever is shown one knows the other.",
)
