"""Exact match without stereochemistry: whether the target's constitution is among the first k candidates.

Canonicalisation: as ``exact_match``, but with RDKit's non-isomeric SMILES. Stereo policy: stereo centres, double-bond
geometry and isotopes are removed from target and candidates before they are compared. The gap between the two figures
is the share of rows that fail on stereochemistry alone.
"""

from retort.chem.smiles import canonical_or_none
from retort.evaluation.metric import Metric
from retort.evaluation.predictions import Prediction


def _per_row(row: Prediction, k: int) -> float:
    target = _flat(row.target)
    return float(target is not None and any(_flat(c.smiles) == target for c in row.candidates[:k]))


def _flat(smiles: str) -> str | None:
    return canonical_or_none(smiles, stereo=False)


METRIC = Metric(
    name="exact_match_stereo_free",
    summary="exact match after stereochemistry and isotopes are removed from target and candidates",
    cutoffs=(1, 3, 5, 10),
    per_row=_per_row,
)
