"""One arm trained with several seeds: figures of their mean, and paired differences between arms.

The value of a row is its mean over the seeds, and rows are what is resampled: the interval says how the mean of *these*
trainings would change on other rows of the kind. How far trainings differ is told beside it as the standard deviation
over seeds, and is not in the interval.

Legend: ``m`` figures, ``r`` seeds, ``n`` rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError
from retort.evaluation.predictions import Predictions
from retort.evaluation.scoring import interval, refuse_unpaired, table

_FLIPS = 10_000
_STREAM = 0xF11B


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of an arm.

    Attributes:
        mean: Over seeds and rows.
        interval: 95 % bootstrap interval over rows.
        by_seed: The figure of each seed.
    """

    mean: float
    interval: tuple[float, float]
    by_seed: tuple[float, ...]

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; None of a single one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"mean": self.mean, "interval": list(self.interval), "by_seed": list(self.by_seed)}


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How much better a second arm is than a first on the same rows.

    Attributes:
        difference: Mean of second minus first.
        interval: 95 % paired-bootstrap interval over rows.
        p_value: Two-sided, of the sign-flip permutation test over rows with 10,000 draws (Fisher 1935; Good 2005,
            chapter 3), never below 1 / 10,001.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"difference": self.difference, "interval": list(self.interval), "p_value": self.p_value}


def pooled(seeds: Sequence[Predictions], top_k: int, *, seed: int = 0) -> dict[str, Figure]:
    """Return ``name@k`` -> figure of an arm.

    Args:
        seeds: The predictions of each seed, of the same rows.
        top_k: The largest cut-off.
        seed: Of the bootstrap.

    Raises:
        DataError: There is no seed or no row.
        UsageError: The files answer different questions, or hold fewer candidates than ``top_k``.
    """
    names, values = _values(seeds, top_k)
    low, high = interval(values.mean(axis=0), seed)
    means = values.mean(axis=1)  # [r, m]
    return {
        name: Figure(float(means[:, i].mean()), (low[i], high[i]), tuple(means[:, i].tolist()))
        for i, name in enumerate(names)
    }


def paired(
    first: Sequence[Predictions], second: Sequence[Predictions], top_k: int, *, seed: int = 0
) -> dict[str, PairedDifference]:
    """Return ``name@k`` -> second minus first; raises as :func:`pooled`."""
    names, before = _values(first, top_k)
    refuse_unpaired(first[0], second[0])
    _, after = _values(second, top_k)
    rows = after.mean(axis=0) - before.mean(axis=0)  # [n, m]
    low, high = interval(rows, seed)
    chances = _flipped(rows, seed)
    return {
        name: PairedDifference(float(rows[:, i].mean()), (low[i], high[i]), float(chances[i]))
        for i, name in enumerate(names)
    }


def _values(seeds: Sequence[Predictions], top_k: int) -> tuple[list[str], NDArray[np.float64]]:
    """Return names [m] and values [r, n, m]."""
    if not seeds:
        raise DataError("there are no predictions of any seed.")
    for other in seeds[1:]:
        refuse_unpaired(seeds[0], other)
    tables = [table(predictions, top_k) for predictions in seeds]
    return tables[0][0], np.stack([values for _, values in tables])


def _flipped(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the p-value of each column [m]: how often rows with random signs have a mean as far from 0."""
    random = np.random.default_rng([seed, _STREAM])
    observed = np.abs(rows.sum(axis=0)) * (1 - 1e-12)
    as_far = np.zeros(rows.shape[1])
    for _ in range(_FLIPS // 100):
        signs = 2.0 * random.integers(0, 2, size=(100, len(rows))) - 1
        as_far += (np.abs(signs @ rows) >= observed).sum(axis=0)
    return np.asarray((as_far + 1) / (_FLIPS + 1))
