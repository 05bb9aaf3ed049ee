"""HIV: whether molecules hinder the replication of HIV."""

from retort.data.sources._moleculenet import property_set

SOURCE = property_set(
    "hiv",
    "HIV.csv",
    "HIV, some 41,000 molecules that hinder the replication of HIV or do not",
    "AIDS Antiviral Screen of the US National Cancer Institute's Developmental Therapeutics Program",
    ("HIV_active",),
    note="3.5 % are active.",
)
