"""How far answered numbers are from true ones: MAE, RMSE, R2, coverage and width of intervals.

An answer is a number, or NaN where none could be read. Every row counts: an unreadable answer stands for the end of
the range of possible values that is farther from the truth, so that no answer within the range is worse, and it is
counted apart. Readable answers are taken as they are, also beyond the range; whether 140 % is a yield is for
:mod:`retort.prompting.extraction` to say.

R2 is ``1 - sum((truth - answer)^2) / sum((truth - mean truth)^2)``: the truth comes first. Its transpose, which divides
by the spread of the answers, is another figure and is not here. It is not defined where all truths are equal.

Units: those of the truth (R2 and coverage have none). Parity: scikit-learn's ``mean_absolute_error``, ``r2_score`` and
``root_mean_squared_error``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, UsageError
from retort.evaluation.scores import Floats, Rows, Scores, refuse_unequal

PERCENT = (0.0, 100.0)
Range = tuple[float, float]


def r2(truth: Floats, answers: Floats) -> float:
    """Return the coefficient of determination of answers [n] for truths [n]; NaN where all truths are equal."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - answers) ** 2).sum()) / spread if spread else float("nan")


def number_figures(truth: Floats, answers: Floats) -> dict[str, float]:
    """Return ``mae``, ``rmse`` and ``r2`` of readable answers [n] for truths [n]."""
    off = truth - answers
    rmse = float(np.sqrt((off**2).mean()))
    return {"mae": float(np.abs(off).mean()), "rmse": rmse, "r2": r2(truth, answers)}


def regression_scores(truth: Floats, answers: Floats, *, possible: Range = PERCENT, seed: int = 0) -> Scores:
    """Return ``mae``, ``rmse`` and ``r2`` with their intervals; counts: ``unreadable``.

    Args:
        truth: The true values [n], within the range.
        answers: The answers [n]; NaN or infinite where unreadable.
        possible: Least and greatest possible value.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows, or a true value is missing or beyond the range.
    """
    _check(truth, answers, possible)
    filled = counted(truth, answers, possible)

    def figures(rows: Rows) -> Mapping[str, float]:
        return number_figures(truth[rows], filled[rows])

    unreadable = int((~np.isfinite(answers)).sum())
    return Scores.of_figures(figures, len(truth), {"unreadable": unreadable}, seed=seed)


def interval_scores(truth: Floats, low: Floats, high: Floats, *, possible: Range = PERCENT, seed: int = 0) -> Scores:
    """Return ``coverage`` and mean ``width`` of answered intervals, with their own intervals; counts: ``unreadable``.

    An interval covers a truth that lies within it or on its end. One that cannot be read, lacks an end or ends before
    it begins covers nothing and is as wide as the range.

    Args:
        truth: The true values [n], within the range.
        low: Lower ends [n]; NaN or infinite where unreadable.
        high: Upper ends [n]; NaN or infinite where unreadable.
        possible: Least and greatest possible value.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one interval for each row.
        DataError: There are no rows, or a true value is missing or beyond the range.
    """
    _check(truth, low, possible)
    _check(truth, high, possible)
    readable = np.isfinite(low) & np.isfinite(high) & (low <= high)
    start, end = np.where(readable, low, possible[0]), np.where(readable, high, possible[1])
    covered = readable & (start <= truth) & (truth <= end)
    values = np.stack([covered.astype(np.float64), end - start], axis=1)
    return Scores.of_means(("coverage", "width"), values, {"unreadable": int((~readable).sum())}, seed=seed)


def counted(truth: Floats, answers: Floats, possible: Range = PERCENT) -> Floats:
    """Return the answers [n] as they are counted: the farther end of the range where one cannot be read."""
    farther = np.where(truth - possible[0] > possible[1] - truth, *possible)
    filled: Floats = np.where(np.isfinite(answers), answers, farther)
    return filled


def _check(truth: Floats, answers: Floats, possible: Range) -> None:
    refuse_unequal(len(truth), len(answers))
    if possible[0] >= possible[1]:
        raise UsageError(f"{possible[0]:g} to {possible[1]:g} is no range of values.")
    wrong: NDArray[np.bool_] = ~((possible[0] <= truth) & (truth <= possible[1]))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the true value of row {row}, {truth[row]:g}, is not within {possible[0]:g} to {possible[1]:g}.",
            "Leave such rows out before anything is predicted.",
        )
