"""InChI match: whether the target's standard InChI is that of one of the first k candidates.

More lenient than ``exact_match`` where two drawings mean one substance: mobile hydrogens (tautomers of 2-pyridone),
zwitterions, and salts drawn with or without a bond count as the same (Heller et al., J. Cheminform. 2015, 7, 23).

Canonicalisation: the InChI is made of the canonical SMILES of all components together, without atom maps; it keeps
multiplicity. Stereo policy: stereo centres, double-bond geometry and isotopes must agree as far as the standard InChI
knows them. A molecule that has no InChI, such as one with an open attachment point, matches by its canonical SMILES
alone. An unreadable, empty or missing answer is worth 0.
"""

from functools import lru_cache

from rdkit import Chem

from retort.chem.smiles import canonical_or_none, parse
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.predictions import Prediction


def inchi_match(a: str, b: str, *, stereo: bool = True) -> float:
    """Return 1 where two component lists have the same standard InChI, else 0; 0 where either cannot be read."""
    left, right = (canonical_or_none(smiles, stereo=stereo) for smiles in (a, b))
    if left is None or right is None:
        return 0.0
    return float(left == right or standard_inchi(left) == standard_inchi(right) != "")


@lru_cache(maxsize=65_536)
def standard_inchi(canonical: str) -> str:
    """Return the standard InChI of all components together; empty where there is none. Raises ChemistryError."""
    inchi: str = Chem.MolToInchi(parse(canonical))  # type: ignore[no-untyped-call]
    return inchi


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, inchi_match)


METRIC = Metric(
    name="inchi_match",
    summary="share of rows whose target has the standard InChI of one of the first k candidates; stereo counts",
    cutoffs=(1,),
    per_row=_per_row,
)
