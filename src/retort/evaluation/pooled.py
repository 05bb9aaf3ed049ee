"""Figures of one way of learning from several runs of it, and how much better one way is than another.

A run is one seed of training; a row is worth the mean over its runs. Intervals are 95 % percentile-bootstrap intervals
over both, rows and runs: every resample draws rows, the same for all runs and for both ways, and of each way as many
runs as there are, independently (the crossed bootstrap of Owen, Ann. Appl. Stat. 2007, 1, 386). Of few runs it is still
somewhat too sure. The p-value is two-sided and of the same resamples: twice the smaller share of them on either side of
no difference.

Legend: ``r`` runs, ``n`` rows, ``m`` figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retort.errors import UsageError
from retort.evaluation.metric import METRICS
from retort.evaluation.predictions import Predictions
from retort.evaluation.scoring import LEVEL, bootstrap_means

RESAMPLES = 5_000
_STREAM = 0x5EED
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Runs:
    """What every run of one way is worth in every row.

    Attributes:
        names: ``metric@k`` of each figure.
        values: float64 [r, n, m].
    """

    names: tuple[str, ...]
    values: Doubles

    @classmethod
    def of(cls, predictions: Sequence[Predictions], metric: str) -> "Runs":
        """Score the runs with one metric at its cut-offs.

        Raises:
            UsageError: There is no run, or the runs answer different questions.
            UnknownNameError: There is no such metric.
        """
        judge = METRICS.get(metric)
        if len({tuple((row.query, row.target) for row in run.rows) for run in predictions}) != 1:
            raise UsageError(f"{len(predictions)} runs do not answer the same questions.", "Answer one file with all.")
        cutoffs = [k for k in judge.cutoffs if k <= min(run.header.top_k for run in predictions)]
        values = [[[judge.per_row(row, k) for k in cutoffs] for row in run.rows] for run in predictions]
        return cls(tuple(f"{metric}@{k}" for k in cutoffs), np.array(values, np.float64))


@dataclass(frozen=True, slots=True)
class Pooled:
    """One figure.

    Attributes:
        mean: Over rows and runs.
        interval: 95 % interval.
        by_run: The mean of each run.
        p: Of no difference, two-sided; None for a figure that is no difference.
    """

    mean: float
    interval: tuple[float, float]
    by_run: tuple[float, ...]
    p: float | None = None


def pooled(runs: Runs, *, seed: int = 0) -> dict[str, Pooled]:
    """Return each figure of one way."""
    resamples = _resampled([runs], seed)[0]
    return {
        name: Pooled(float(runs.values[:, :, i].mean()), _interval(resamples[:, i]), _by_run(runs.values[:, :, i]))
        for i, name in enumerate(runs.names)
    }


def pooled_difference(first: Runs, second: Runs, *, seed: int = 0) -> dict[str, Pooled]:
    """Return second minus first for each figure; runs of the two in the same place are told apart in ``by_run``.

    Raises:
        UsageError: The two are not of the same rows and figures.
    """
    if first.names != second.names or first.values.shape[1] != second.values.shape[1]:
        raise UsageError("the two ways were not scored on the same rows with the same metric.")
    before, after = _resampled([first, second], seed)
    changes = after - before
    found = {}
    for i, name in enumerate(first.names):
        one, other = first.values[:, :, i], second.values[:, :, i]
        by_run = tuple(b - a for a, b in zip(_by_run(one), _by_run(other), strict=False))
        mean = float(other.mean() - one.mean())
        found[name] = Pooled(mean, _interval(changes[:, i]), by_run, _p(changes[:, i]))
    return found


def _resampled(ways: Sequence[Runs], seed: int) -> list[Doubles]:
    """Return the mean of every figure in every resample, [resamples, m], way by way; all see the same rows."""
    rows = ways[0].values.shape[1]
    flat = np.concatenate([np.moveaxis(way.values, 1, 0).reshape(rows, -1) for way in ways], axis=1)
    means = bootstrap_means(flat, RESAMPLES, seed)
    random = np.random.default_rng([seed, _STREAM])
    found, start = [], 0
    for way in ways:
        runs, _, figures = way.values.shape
        mine = means[:, start : start + runs * figures].reshape(RESAMPLES, runs, figures)
        drawn = random.integers(0, runs, size=(RESAMPLES, runs))
        found.append(np.take_along_axis(mine, drawn[:, :, None], axis=1).mean(axis=1))
        start += runs * figures
    return found


def _interval(resamples: Doubles) -> tuple[float, float]:
    low, high = np.quantile(resamples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def _by_run(values: Doubles) -> tuple[float, ...]:
    return tuple(values.mean(axis=1).tolist())


def _p(changes: Doubles) -> float:
    beyond = min((changes <= 0).sum(), (changes >= 0).sum())
    return float(min(1.0, 2 * (beyond + 1) / (len(changes) + 1)))
