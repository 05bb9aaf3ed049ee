"""Exact match: whether the target is among the first k candidates.

Canonicalisation: RDKit's isomeric SMILES of every component without atom maps, compared as a multiset, so that
spelling and order do not matter and ``[Na+].[Na+]`` is not ``[Na+]``. Stereo policy: stereo centres, double-bond
geometry and isotopes must agree; a candidate without the target's stereo marks is wrong.
"""

from retort.chem.smiles import canonical_or_none
from retort.evaluation.metric import Metric
from retort.evaluation.predictions import Prediction


def _per_row(row: Prediction, k: int) -> float:
    target = canonical_or_none(row.target)
    return float(target is not None and any(canonical_or_none(c.smiles) == target for c in row.candidates[:k]))


METRIC = Metric(
    name="exact_match",
    summary="share of rows whose target is among the first k candidates: canonical, isomeric, multiset of components",
    cutoffs=(1, 3, 5, 10),
    per_row=_per_row,
)
