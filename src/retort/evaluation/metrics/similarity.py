"""Similarity: how near the best of the first k candidates is to the target.

Canonicalisation: components are canonical and without atom maps. Each pair of components has the Tanimoto similarity
of its Morgan bit fingerprints (radius 2, 1024 bits), identical components have 1. Components of candidate and target
are paired one to one so that the sum is greatest, and the sum is divided by the larger number of components: a
component too many costs as much as one missing, and the measure is symmetric. Stereo policy: ignored (fingerprints
without chirality). An unreadable, empty or missing answer is worth 0.
"""

from collections.abc import Sequence
from functools import lru_cache

from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import components, parse
from retort.errors import ChemistryError
from retort.evaluation.metric import Metric
from retort.evaluation.predictions import Prediction

RADIUS, BITS = 2, 1024


def similarity(a: str, b: str) -> float:
    """Return the similarity of two component lists, 0 to 1; 0 where either cannot be read."""
    try:
        left, right = components(a, stereo=False), components(b, stereo=False)
    except ChemistryError:
        return 0.0
    small, large = sorted((left, right), key=len)
    return best_assignment([[_pair(x, y) for y in large] for x in small]) / len(large)


def best_assignment(worth: Sequence[Sequence[float]]) -> float:
    """Return the greatest sum of entries with one in every row and at most one in a column.

    Kuhn's algorithm with potentials (the Hungarian method), O(rows^2 columns).

    Args:
        worth: ``[rows, columns]`` with rows <= columns.
    """
    rows, columns = len(worth), len(worth[0])
    row_potential, column_potential = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)  # the row (from 1) that holds a column; column 0 holds the row to be placed
    for row in range(1, rows + 1):
        owner[0] = row
        _augment(worth, owner, row_potential, column_potential)
    return sum(worth[owner[j] - 1][j - 1] for j in range(1, columns + 1) if owner[j])


def _augment(
    worth: Sequence[Sequence[float]], owner: list[int], row_potential: list[float], column_potential: list[float]
) -> None:
    """Place the row in ``owner[0]`` along the cheapest alternating path (Dijkstra on reduced costs)."""
    columns = len(owner) - 1
    slack, previous, used = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
    here = 0
    while owner[here]:
        used[here] = True
        row = owner[here]
        for j in range(1, columns + 1):
            cost = -worth[row - 1][j - 1] - row_potential[row] - column_potential[j]
            if not used[j] and cost < slack[j]:
                slack[j], previous[j] = cost, here
        nearest = min((j for j in range(1, columns + 1) if not used[j]), key=slack.__getitem__)
        step = slack[nearest]
        for j in range(columns + 1):
            if used[j]:
                row_potential[owner[j]] += step
                column_potential[j] -= step
            else:
                slack[j] -= step
        here = nearest
    while here:
        owner[here], here = owner[previous[here]], previous[here]


@lru_cache(maxsize=65_536)
def _pair(a: str, b: str) -> float:
    if a == b:
        return 1.0
    worth: float = DataStructs.TanimotoSimilarity(_fingerprint(a), _fingerprint(b))
    return worth


@lru_cache(maxsize=65_536)
def _fingerprint(component: str) -> DataStructs.ExplicitBitVect:
    bits: DataStructs.ExplicitBitVect = _generator().GetFingerprint(parse(component))
    return bits


@lru_cache(maxsize=1)
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def _per_row(row: Prediction, k: int) -> float:
    return max((similarity(c.smiles, row.target) for c in row.candidates[:k]), default=0.0)


METRIC = Metric(
    name="similarity",
    summary="Morgan/Tanimoto similarity of the best of the first k candidates, components paired; stereo ignored",
    cutoffs=(1,),
    per_row=_per_row,
)
