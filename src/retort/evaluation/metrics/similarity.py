"""Similarity: how near the best of the first k candidates is to the target.

Canonicalisation: components are canonical and without atom maps. Each pair of components has the Tanimoto similarity
of its Morgan bit fingerprints (radius 2, 1024 bits), identical components have 1. Components of candidate and target
are paired one to one so that the sum is greatest, and the sum is divided by the larger number of components: a
component too many costs as much as one missing, and the measure is symmetric. Stereo policy: ignored (fingerprints
without chirality). An unreadable, empty or missing answer is worth 0.
"""

from functools import lru_cache

from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import parse
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.pairing import paired_tanimoto
from retort.evaluation.predictions import Prediction

RADIUS, BITS = 2, 1024


def similarity(a: str, b: str) -> float:
    """Return the similarity of two component lists, 0 to 1; 0 where either cannot be read."""
    return paired_tanimoto(a, b, _fingerprint)


@lru_cache(maxsize=65_536)
def _fingerprint(component: str) -> DataStructs.ExplicitBitVect:
    bits: DataStructs.ExplicitBitVect = _generator().GetFingerprint(parse(component))
    return bits


@lru_cache(maxsize=1)
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, similarity)


METRIC = Metric(
    name="similarity",
    summary="Morgan/Tanimoto similarity of the best of the first k candidates, components paired; stereo ignored",
    cutoffs=(1,),
    per_row=_per_row,
)
