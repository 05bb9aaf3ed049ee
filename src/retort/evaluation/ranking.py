"""How well a list of candidates is ranked whose yields are known: hits, NDCG, regret.

A row has the yields of all its candidates, per cent, and a ranking: their places in the list (0 is the first), best
first. A ranking may name some candidates only. A place that is not in the list, or comes a second time, stands where
it stands and earns nothing. An empty ranking is an unreadable answer and gets the worst of each figure. Of equal best
yields any is right.

- ``hit@k``: whether a candidate with the best yield is among the first k named.
- ``ndcg``: normalised discounted cumulative gain (Järvelin and Kekäläinen, ACM TOIS 2002, 20, 422) with the yields as
  gains and ``log2(1 + rank)`` as discount; candidates that are not named gain nothing. Where every yield is 0 any
  ranking that names a candidate is perfect.
- ``regret@k``: best yield of the list minus the best among the first k named, percentage points; 0 is perfect.

A list of one candidate asks for nothing, and neither does one whose yields are all equal; they count like any row, and
how many there are is said beside. ``chance_...`` is what a ranking by lot would reach on average.
Parity: scikit-learn's ``ndcg_score`` on complete rankings.
"""

import math
from collections.abc import Sequence

import numpy as np

from retort.errors import DataError, UsageError
from retort.evaluation.scores import Floats, Scores, refuse_unequal


def top_k_hit(yields: Sequence[float], ranking: Sequence[int], k: int) -> float:
    """Return 1 where a candidate with the best yield is among the first k named, else 0."""
    return float(max(yields) in _named(yields, ranking)[:k])


def ndcg(yields: Sequence[float], ranking: Sequence[int]) -> float:
    """Return the normalised discounted cumulative gain of a ranking, 0 to 1."""
    named = _named(yields, ranking)
    ideal = _gain(sorted(yields, reverse=True))
    return _gain([value or 0.0 for value in named]) / ideal if ideal else float(any(v is not None for v in named))


def regret(yields: Sequence[float], ranking: Sequence[int], k: int = 1) -> float:
    """Return how many percentage points of yield the best of the first k named falls short of the best of all.

    Where none of them is in the list, that of the worst candidate.
    """
    found = [value for value in _named(yields, ranking)[:k] if value is not None]
    return max(yields) - max(found, default=min(yields))


def chance(yields: Sequence[float]) -> tuple[float, float]:
    """Return ``hit@1`` and ``regret@1`` that a ranking by lot reaches on average."""
    best = max(yields)
    return sum(value == best for value in yields) / len(yields), best - math.fsum(yields) / len(yields)


def ranking_scores(
    yields: Sequence[Sequence[float]],
    rankings: Sequence[Sequence[int]],
    *,
    cutoffs: Sequence[int] = (1, 3),
    seed: int = 0,
) -> Scores:
    """Return the figures of this module with their intervals.

    Counts: ``unreadable`` (empty rankings), ``misnamed`` (rankings with a place that is not in the list, or twice),
    ``nothing_to_choose`` (one candidate, or all yields equal).

    Args:
        yields: Per row the yields of its candidates, 0 or more, per cent.
        rankings: Per row the places of candidates, best first.
        cutoffs: The values of k.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one ranking for each row, or a cut-off is below 1.
        DataError: There are no rows, or a row has no candidate or a yield that is none.
    """
    refuse_unequal(len(yields), len(rankings))
    if min(cutoffs, default=0) < 1:
        raise UsageError("a cut-off below 1 counts nothing.", "Give e.g. (1, 3).")
    for row, values in enumerate(yields):
        _check(row, values)
    names = [f"{name}@{k}" for name in ("hit", "regret") for k in cutoffs] + ["ndcg", "chance_hit@1", "chance_regret@1"]
    pairs = list(zip(yields, rankings, strict=True))
    counts = {
        "unreadable": sum(not ranking for ranking in rankings),
        "misnamed": sum(None in _named(*pair) for pair in pairs),
        "nothing_to_choose": sum(min(values) == max(values) for values in yields),
    }
    return Scores.of_means(names, _table(pairs, cutoffs), counts, seed=seed)


def _table(pairs: Sequence[tuple[Sequence[float], Sequence[int]]], cutoffs: Sequence[int]) -> Floats:
    rows = [
        [
            *(top_k_hit(*pair, k) for k in cutoffs),
            *(regret(*pair, k) for k in cutoffs),
            ndcg(*pair),
            *chance(pair[0]),
        ]
        for pair in pairs
    ]
    return np.array(rows, np.float64)


def _named(yields: Sequence[float], ranking: Sequence[int]) -> list[float | None]:
    """Return the yield of every place named; None for one that is not in the list or was named before."""
    fresh = {place: rank for rank, place in reversed(list(enumerate(ranking))) if 0 <= place < len(yields)}
    return [yields[place] if fresh.get(place) == rank else None for rank, place in enumerate(ranking)]


def _gain(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def _check(row: int, values: Sequence[float]) -> None:
    if not len(values):
        raise DataError(f"row {row} has no candidates.", "Leave it out before anything is predicted.")
    if not all(value >= 0 and math.isfinite(value) for value in values):
        raise DataError(f"row {row} has a yield that is missing or below 0.", "Correct the list of candidates.")
