"""Two lists of components compared one to one, whatever two components are compared by."""

from collections import Counter
from collections.abc import Callable, Sequence

from rdkit import DataStructs

from retort.chem.smiles import components
from retort.errors import ChemistryError

Worth = Callable[[str, str], float]
Fingerprint = Callable[[str], DataStructs.ExplicitBitVect]


def paired(a: str, b: str, worth: Worth) -> float:
    """Return how alike two component lists are, 0 to 1; 0 where either cannot be read.

    Components are canonical, without maps and stereo. Equal ones are paired first and have 1; the others are paired so
    that the sum is greatest, which is the best of all pairings wherever ``1 - worth`` obeys the triangle inequality, as
    Tanimoto does. The sum is divided by the larger number of components: a component too many costs as much as one
    missing, and the measure is symmetric.

    Args:
        a: SMILES, components joined by ``.``.
        b: The same of the other side.
        worth: What a pair of different canonical components is worth, 0 to 1.
    """
    try:
        left, right = Counter(components(a, stereo=False)), Counter(components(b, stereo=False))
    except ChemistryError:
        return 0.0
    equal, size = (left & right).total(), max(left.total(), right.total())
    small, large = sorted((sorted((left - right).elements()), sorted((right - left).elements())), key=len)
    rest = best_assignment([[worth(x, y) for y in large] for x in small]) if small else 0.0
    return (equal + rest) / size


def paired_tanimoto(a: str, b: str, fingerprint: Fingerprint) -> float:
    """Return :func:`paired` by the Tanimoto similarity of bit fingerprints; two without any bit have 0."""

    def worth(x: str, y: str) -> float:
        bits = fingerprint(x), fingerprint(y)
        return float(DataStructs.TanimotoSimilarity(*bits)) if any(b.GetNumOnBits() for b in bits) else 0.0

    return paired(a, b, worth)


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
