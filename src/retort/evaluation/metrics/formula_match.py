"""Formula match: whether one of the first k candidates has the molecular formula of the target.

Of names it is the figure of name -> formula: the formula is counted in the answer. Elsewhere it tells isomers, near
misses, from answers with other atoms.

Canonicalisation: the formula of all components together, hydrogens and charge included, counted by RDKit, so that
neither spelling nor order matters. Stereo policy: none; isotopes count as their element. An unreadable, empty or
missing answer is worth 0.
"""

from functools import lru_cache

from retort.chem.formula import molecular_formula
from retort.errors import ChemistryError
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.predictions import Prediction


@lru_cache(maxsize=4096)
def _formula(smiles: str) -> str:
    try:
        return molecular_formula(smiles)
    except ChemistryError:
        return ""


def _pair(answer: str, target: str) -> float:
    made = _formula(answer)
    return float(bool(made) and made == _formula(target))


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, _pair)


METRIC = Metric(
    name="formula_match",
    summary="share of rows where one of the first k candidates has the target's molecular formula; no stereo",
    cutoffs=(1,),
    per_row=_per_row,
)
