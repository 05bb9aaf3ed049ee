"""Validity: whether the first k candidates can be read as molecules.

Canonicalisation: none; a candidate counts where RDKit reads and sanitises it. Stereo policy: none needed. Every row
counts: a row whose candidates are fewer than k has its missing ones counted as invalid, so a model that drops its
unreadable answers gains nothing.
"""

from retort.chem.smiles import canonical_or_none
from retort.evaluation.metric import Metric
from retort.evaluation.predictions import Prediction


def _per_row(row: Prediction, k: int) -> float:
    return sum(canonical_or_none(c.smiles) is not None for c in row.candidates[:k]) / k


METRIC = Metric(
    name="validity",
    summary="share of the first k candidates that RDKit can read; missing candidates count as unreadable",
    cutoffs=(1,),
    per_row=_per_row,
)
