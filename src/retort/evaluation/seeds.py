"""One arm trained with several seeds: figures of their mean, and paired differences between arms.

The value of a row is its mean over the seeds, and rows are what is resampled: the interval says how the mean of *these*
trainings would change on other rows of the kind. A second interval resamples seeds as well: every resample draws rows,
the same for all seeds and both arms, and of each arm as many seeds as there are (the crossed bootstrap of Owen, Ann.
Appl. Stat. 2007, 1, 386). Of few seeds it is still somewhat too narrow.

Legend: ``m`` figures, ``r`` seeds, ``n`` rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError
from retort.evaluation.predictions import Predictions
from retort.evaluation.scoring import LEVEL, RESAMPLES, bootstrap_means, interval, refuse_unpaired, table

_FLIPS = 10_000
_STREAM, _SEEDS = 0xF11B, 0x5EED
Interval = tuple[float, float]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of an arm.

    Attributes:
        mean: Over seeds and rows.
        interval: 95 % bootstrap interval over rows.
        interval_over_seeds: 95 % bootstrap interval over rows and seeds.
        by_seed: The figure of each seed.
    """

    mean: float
    interval: Interval
    interval_over_seeds: Interval
    by_seed: tuple[float, ...]

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; None of a single one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        ends = {"interval": list(self.interval), "interval_over_seeds": list(self.interval_over_seeds)}
        return {"mean": self.mean, **ends, "by_seed": list(self.by_seed)}


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How much better a second arm is than a first on the same rows.

    Attributes:
        difference: Mean of second minus first.
        interval: 95 % paired-bootstrap interval over rows.
        interval_over_seeds: 95 % bootstrap interval over rows, which are paired, and seeds, which are not.
        p_value: Two-sided, of the sign-flip permutation test over rows with 10,000 draws (Fisher 1935; Good 2005,
            chapter 3), never below 1 / 10,001.
    """

    difference: float
    interval: Interval
    interval_over_seeds: Interval
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        ends = {"interval": list(self.interval), "interval_over_seeds": list(self.interval_over_seeds)}
        return {"difference": self.difference, **ends, "p_value": self.p_value}


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
    return figures(*values_of(seeds, top_k), seed=seed)


def paired(
    first: Sequence[Predictions], second: Sequence[Predictions], top_k: int, *, seed: int = 0
) -> dict[str, PairedDifference]:
    """Return ``name@k`` -> second minus first; raises as :func:`pooled`."""
    names, before = values_of(first, top_k)
    refuse_unpaired(first[0], second[0])
    return differences(names, before, values_of(second, top_k)[1], seed=seed)


def values_of(seeds: Sequence[Predictions], top_k: int) -> tuple[list[str], Values]:
    """Return the names of all figures [m], and each for every seed and row [r, n, m]; raises as :func:`pooled`."""
    if not seeds:
        raise DataError("there are no predictions of any seed.")
    for other in seeds[1:]:
        refuse_unpaired(seeds[0], other)
    tables = [table(predictions, top_k) for predictions in seeds]
    return tables[0][0], np.stack([values for _, values in tables])


def figures(names: Sequence[str], values: Values, *, seed: int = 0) -> dict[str, Figure]:
    """Return name -> figure of an arm whose rows are worth values [r, n, m]."""
    low, high = interval(values.mean(axis=0), seed)
    over = _ends(*_resampled([values], seed))
    means = values.mean(axis=1)  # [r, m]
    return {
        name: Figure(float(means[:, i].mean()), (low[i], high[i]), over[i], tuple(means[:, i].tolist()))
        for i, name in enumerate(names)
    }


def differences(names: Sequence[str], before: Values, after: Values, *, seed: int = 0) -> dict[str, PairedDifference]:
    """Return name -> second minus first of arms whose same rows are worth values [r, n, m]."""
    rows = after.mean(axis=0) - before.mean(axis=0)  # [n, m]
    low, high = interval(rows, seed)
    one, other = _resampled([before, after], seed)
    over, chances = _ends(other - one), _flipped(rows, seed)
    return {
        name: PairedDifference(float(rows[:, i].mean()), (low[i], high[i]), over[i], float(chances[i]))
        for i, name in enumerate(names)
    }


def _resampled(arms: Sequence[Values], seed: int) -> list[Values]:
    """Return the figures of each arm in every resample of rows and seeds, [resamples, m]; rows are those of all."""
    flat = [np.moveaxis(values, 1, 0).reshape(values.shape[1], -1) for values in arms]
    means = bootstrap_means(np.concatenate(flat, axis=1), RESAMPLES, seed)
    random, found = np.random.default_rng([seed, _SEEDS]), []
    for values, part in zip(arms, np.split(means, np.cumsum([f.shape[1] for f in flat])[:-1], axis=1), strict=True):
        drawn = random.integers(0, len(values), size=(RESAMPLES, len(values), 1))
        by_seed = part.reshape(RESAMPLES, len(values), -1)
        found.append(np.take_along_axis(by_seed, drawn, axis=1).mean(axis=1))
    return found


def _ends(resamples: Values) -> list[Interval]:
    low, high = np.quantile(resamples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).tolist()
    return list(zip(low, high, strict=True))


def _flipped(rows: Values, seed: int) -> Values:
    """Return the p-value of each column [m]: how often rows with random signs have a mean as far from 0."""
    random = np.random.default_rng([seed, _STREAM])
    observed = np.abs(rows.sum(axis=0)) * (1 - 1e-12)
    as_far = np.zeros(rows.shape[1])
    for _ in range(_FLIPS // 100):
        signs = 2.0 * random.integers(0, 2, size=(100, len(rows))) - 1
        as_far += (np.abs(signs @ rows) >= observed).sum(axis=0)
    return np.asarray((as_far + 1) / (_FLIPS + 1))
