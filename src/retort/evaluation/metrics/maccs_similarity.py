"""Key similarity: how near the best of the first k candidates is to the target by the 166 public MACCS keys.

Durant, Leland, Henry and Nourse, J. Chem. Inf. Comput. Sci. 2002, 42, 1273. The keys are coarse: many isomers have the
same ones, so 1 does not mean that an answer is right.

Canonicalisation: components are canonical and without atom maps, and are paired as in ``similarity``, so that
multiplicity is kept and a component too many costs as much as one missing; identical components have 1. Stereo policy:
ignored. An unreadable, empty or missing answer is worth 0.
"""

from functools import lru_cache, partial

from rdkit import DataStructs
from rdkit.Chem import rdMolDescriptors

from retort.chem.smiles import parse
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.pairing import paired_tanimoto
from retort.evaluation.predictions import Prediction


@lru_cache(maxsize=65_536)
def fingerprint(smiles: str) -> DataStructs.ExplicitBitVect:
    """Return which of the 166 keys occur; raises ChemistryError."""
    bits: DataStructs.ExplicitBitVect = rdMolDescriptors.GetMACCSKeysFingerprint(parse(smiles))
    return bits


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, partial(paired_tanimoto, fingerprint=fingerprint))


METRIC = Metric(
    name="maccs_similarity",
    summary="MACCS/Tanimoto similarity of the best of the first k candidates, components paired; stereo ignored",
    cutoffs=(1,),
    per_row=_per_row,
)
