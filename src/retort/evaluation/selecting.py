"""Figures of rankings of candidates: the answers of a file of predictions laid beside the yields of the lists.

A query names its candidates and a target their yields in the same order (:mod:`retort.prompting.candidates`).
Candidates are compared by canonical SMILES with stereo; an answer that is none of the list is a place that earns
nothing. A row without an answer gets the worst of each figure; one whose yields cannot be read is left out and noted.
"""

from collections.abc import Sequence

import numpy as np

from retort.chem.smiles import canonicalize
from retort.errors import ChemistryError, DataError
from retort.evaluation.predictions import Prediction
from retort.evaluation.ranking import ndcg, ranking_scores, regret, top_k_hit
from retort.evaluation.scores import Floats, Scores
from retort.prompting.answers import read_yields
from retort.prompting.candidates import split_candidates
from retort.prompting.task import Unreadable

NOWHERE = -1


def lists_of(rows: Sequence[Prediction]) -> tuple[list[tuple[float, ...]], list[list[int]], list[tuple[int, str]]]:
    """Return yields and ranking of every row that can be judged, and place and reason of the others.

    Raises:
        DataError: No row can be judged.
    """
    yields: list[tuple[float, ...]] = []
    rankings: list[list[int]] = []
    lost: list[tuple[int, str]] = []
    for row in rows:
        candidates = split_candidates(row.query)[1]
        found = read_yields(row.target, len(candidates))
        if isinstance(found, Unreadable) or not found:
            lost.append((row.index, found.reason if isinstance(found, Unreadable) else "a list without candidates"))
            continue
        yields.append(found)
        rankings.append(_places(row, candidates))
    if not yields:
        raise DataError(
            "no target holds the yields of its candidates.", f"The first: {lost[0][1] if lost else 'none'}."
        )
    return yields, rankings, lost


def scored_lists(rows: Sequence[Prediction], *, seed: int = 0) -> Scores:
    """Return ``hit@k``, ``regret@k``, ``ndcg`` and what lot would reach, with intervals; raises as :func:`lists_of`."""
    yields, rankings, lost = lists_of(rows)
    found = ranking_scores(yields, rankings, seed=seed)
    notes = tuple(_counted(found.counts))
    if lost:
        place, why = lost[0]
        notes += (
            f"{len(lost)} targets cannot be read and are left out of the figures; the first is row {place}: {why}.",
        )
    return Scores(found.n, found.values, found.intervals, found.counts, (*found.notes, *notes))


def selection_columns(rows: Sequence[Prediction]) -> dict[str, Floats]:
    """Return what every row that can be judged is worth [n], figure by figure; raises as :func:`lists_of`."""
    yields, rankings, _ = lists_of(rows)
    pairs = list(zip(yields, rankings, strict=True))
    return {
        **{f"hit@{k}": np.array([top_k_hit(*pair, k) for pair in pairs]) for k in (1, 3)},
        **{f"regret@{k}": np.array([regret(*pair, k) for pair in pairs]) for k in (1, 3)},
        "ndcg": np.array([ndcg(*pair) for pair in pairs]),
    }


def _places(row: Prediction, candidates: Sequence[str]) -> list[int]:
    known = {_canonical(candidate): place for place, candidate in enumerate(candidates)}
    return [known.get(_canonical(candidate.smiles), NOWHERE) for candidate in row.candidates]


def _canonical(smiles: str) -> str:
    try:
        return canonicalize(smiles)
    except ChemistryError:
        return ""


def _counted(counts: dict[str, int]) -> list[str]:
    words = {
        "misnamed": "rankings name what is not in their list, or name it twice",
        "nothing_to_choose": "lists have yields that are all equal",
    }
    return [f"{counts[name]} {what}." for name, what in words.items() if counts.get(name)]
