"""Figures of answers that are no molecules, with their bootstrap intervals and with what could not be read.

What ``scoring.Report`` is for ranked molecules, :class:`Scores` is for classes, numbers, rankings and captions. Means
over rows take the intervals of :func:`retort.evaluation.scoring.interval`; figures that are no means (F1, RMSE, R2,
BLEU) are computed anew on every resample of rows. Both draw the same rows for one seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, UsageError
from retort.evaluation.scoring import LEVEL, RESAMPLES, interval

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Figures = Callable[[Rows], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of one list of answers.

    Attributes:
        n: Number of rows; each one counts in every figure.
        values: Name -> figure.
        intervals: Name -> lower and upper end of the 95 % bootstrap interval over rows.
        counts: Name -> number of rows of which a reader must know, first of all ``unreadable``.
        notes: What a reader must know beside the figures, as sentences.
    """

    n: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()

    @classmethod
    def of_means(cls, names: Sequence[str], values: Floats, counts: Mapping[str, int], *, seed: int = 0) -> Self:
        """Take what every row is worth, ``[rows, m]``; figures are the means of the m columns.

        Raises:
            DataError: There are no rows.
        """
        refuse_none(len(values))
        low, high = interval(values, seed)
        means = dict(zip(names, values.mean(axis=0).tolist(), strict=True))
        ends = dict(zip(names, zip(low, high, strict=True), strict=True))
        return cls(len(values), means, ends, dict(counts))

    @classmethod
    def of_figures(cls, figures: Figures, n: int, counts: Mapping[str, int], *, seed: int = 0) -> Self:
        """Compute figures on all rows and on every resample.

        Args:
            figures: Takes places of rows ``[n]``, some of them several times, and returns name -> figure; NaN where a
                figure is not defined. Such a figure of all rows is left out and noted; such resamples are left out of
                the interval.
            n: Number of rows.
            counts: As in the class.
            seed: Of the resamples.

        Raises:
            DataError: There are no rows.
        """
        refuse_none(n)
        found = figures(np.arange(n))
        names = [name for name, value in found.items() if not np.isnan(value)]
        rng = np.random.default_rng(seed)
        drawn = np.full((RESAMPLES, len(names)), np.nan)
        for line in drawn:
            again = figures(rng.integers(0, n, size=n))
            line[:] = [again[name] for name in names]
        low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).tolist() if names else ((), ())
        ends = dict(zip(names, zip(low, high, strict=True), strict=True))
        lost = tuple(f"{name} is not defined for these rows." for name in found if name not in names)
        return cls(n, {name: float(found[name]) for name in names}, ends, dict(counts), lost)

    def __add__(self, other: Self) -> Self:
        """Put the figures of the same rows beside one another."""
        if self.n != other.n:
            raise UsageError(f"figures of {self.n} and of {other.n} rows do not belong into one table.")
        return type(self)(
            self.n,
            self.values | other.values,
            self.intervals | other.intervals,
            self.counts | other.counts,
            (*self.notes, *other.notes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        intervals = {name: list(ends) for name, ends in self.intervals.items()}
        return {"n": self.n, "metrics": dict(self.values), "intervals": intervals, "counts": dict(self.counts)}


def refuse_none(rows: int) -> None:
    """Raise DataError where there are no rows."""
    if not rows:
        raise DataError("there are no answers to score.", "Check that the input file has rows.")


def refuse_unequal(truth: int, answers: int) -> None:
    """Raise UsageError where there is not one answer for each row, DataError where there are no rows."""
    if truth != answers:
        raise UsageError(f"{answers} answers do not fit {truth} rows.", "Give one for each; None where there is none.")
    refuse_none(truth)
