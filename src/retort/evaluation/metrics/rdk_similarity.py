"""Path similarity: how near the best of the first k candidates is to the target by RDKit's path fingerprints.

Canonicalisation: components are canonical and without atom maps, and are paired as in ``similarity``, so that
multiplicity is kept and a component too many costs as much as one missing; identical components have 1. Tables that
compare whole mixtures (``retort.evaluation.molecule_tables``) print other figures for answers of several components.
Stereo policy: ignored. Single atoms have no path, so two different ions have 0. An unreadable, empty or missing answer
is worth 0.
"""

from functools import lru_cache, partial

from rdkit import Chem, DataStructs

from retort.chem.smiles import parse
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.pairing import paired_tanimoto
from retort.evaluation.predictions import Prediction


@lru_cache(maxsize=65_536)
def fingerprint(smiles: str) -> DataStructs.ExplicitBitVect:
    """Return which paths of 1 to 7 bonds occur, 2,048 bits, two a path; raises ChemistryError."""
    bits: DataStructs.ExplicitBitVect = Chem.RDKFingerprint(parse(smiles))
    return bits


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, partial(paired_tanimoto, fingerprint=fingerprint))


METRIC = Metric(
    name="rdk_similarity",
    summary="RDKit path/Tanimoto similarity of the best of the first k candidates, components paired; stereo ignored",
    cutoffs=(1,),
    per_row=_per_row,
)
