"""Answers that types turned right or wrong, for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError
from retort.evaluation.metric import METRICS
from retort.evaluation.predictions import Prediction, read


@dataclass(frozen=True)
class Case:
    """One question that two models answered differently: query, truth, and the first candidate of each."""

    query: str
    target: str
    without: str
    told: str


@dataclass(frozen=True)
class Cases:
    """How many answers types turned, and some of them.

    Attributes:
        rows: Questions.
        gained, lost: Answers (first candidates) wrong without and right with types, and the reverse.
        both: Right either way.
        better, worse: Some of those gained and lost.
    """

    rows: int
    gained: int
    lost: int
    both: int
    better: Sequence[Case]
    worse: Sequence[Case]


def cases(without: Path, told: Path, shown: int, seed: int) -> Cases:
    """Compare two files of predictions.

    Raises:
        DataError: They answer different questions.
        InputFileError: A file is missing or damaged.
    """
    first, second = read(without).rows, read(told).rows
    if [(r.query, r.target) for r in first] != [(r.query, r.target) for r in second]:
        raise DataError("the two files of predictions answer different questions.", "Make both from one input.")
    metric = METRICS.get("exact_match").per_row
    right = np.array([[metric(row, 1) for row in rows] for rows in (first, second)]) > 0
    gained, lost = np.flatnonzero(~right[0] & right[1]), np.flatnonzero(right[0] & ~right[1])
    random = np.random.default_rng(seed)

    def some(rows: NDArray[np.int64]) -> list[Case]:
        return [_case(first[i], second[i]) for i in np.sort(random.permutation(rows)[:shown]).tolist()]

    both = int((right[0] & right[1]).sum())
    return Cases(len(first), len(gained), len(lost), both, some(gained), some(lost))


def _case(without: Prediction, told: Prediction) -> Case:
    return Case(
        without.query, without.target, *(r.candidates[0].smiles if r.candidates else "" for r in (without, told))
    )
