"""From predictions to a report: every metric, averaged over every row, with its bootstrap interval.

Intervals are 95 % percentile-bootstrap intervals over rows (Efron & Tibshirani 1993, chapter 13) from 1,000 seeded
resamples. Two models are compared on the same rows by the paired bootstrap: the same resample serves both.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.chem.smiles import canonical_or_none
from retort.errors import DataError, UsageError
from retort.evaluation.metric import METRICS, Metric
from retort.evaluation.predictions import STATUSES, Prediction, Predictions

RESAMPLES = 1_000
LEVEL = 0.95
_BLOCK_VALUES = 4_000_000  # values held at once while resampling, about 32 MB


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one file of predictions.

    Attributes:
        n: Number of rows; each one counts in every metric.
        metrics: ``name@k`` -> mean over all rows, 0 to 1.
        intervals: ``name@k`` -> lower and upper end of the 95 % interval.
        status_counts: Number of rows of each status.
        notes: What a reader must know beside the figures, as sentences.
    """

    task: str
    n: int
    model: str
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    status_counts: dict[str, int]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the object that ``retort evaluate --format json`` prints; the notes are not in it."""
        return {
            "task": self.task,
            "n": self.n,
            "model": self.model,
            "metrics": dict(self.metrics),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "status_counts": dict(self.status_counts),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the second of two models is better on one metric.

    Attributes:
        difference: Mean of second minus first.
        interval: 95 % paired-bootstrap interval of the difference; both ends on one side of 0 mean a real difference.
    """

    difference: float
    interval: tuple[float, float]


def score(predictions: Predictions, top_k: int, *, seed: int = 0) -> Report:
    """Score predictions with every registered metric at its cut-offs up to ``top_k``.

    Raises:
        UsageError: ``top_k`` is below 1 or above what the predictions were made with.
        DataError: There are no rows.
    """
    names, values = table(predictions, top_k)
    low, high = interval(values, seed)
    counts = Counter[str](row.status for row in predictions.rows)
    return Report(
        task=predictions.header.task,
        n=len(predictions.rows),
        model=predictions.header.model,
        metrics=dict(zip(names, values.mean(axis=0).tolist(), strict=True)),
        intervals=dict(zip(names, zip(low, high, strict=True), strict=True)),
        status_counts={status: counts[status] for status in STATUSES},
        notes=_notes(predictions.rows),
    )


def compare(first: Predictions, second: Predictions, top_k: int, *, seed: int = 0) -> dict[str, Difference]:
    """Return second minus first for every metric, with paired intervals.

    Raises:
        UsageError: The files answer different questions, or ``top_k`` does not fit.
        DataError: There are no rows.
    """
    refuse_unpaired(first, second)
    names, before = table(first, top_k)
    _, after = table(second, top_k)
    low, high = interval(after - before, seed)
    means = (after - before).mean(axis=0).tolist()
    return {name: Difference(m, (a, b)) for name, m, a, b in zip(names, means, low, high, strict=True)}


def table(predictions: Predictions, top_k: int) -> tuple[list[str], NDArray[np.float64]]:
    """Return names ``[m]`` and values ``[rows, m]`` of every metric at every cut-off; raises as :func:`score`."""
    if not 1 <= top_k <= predictions.header.top_k:
        raise UsageError(
            f"cannot score top {top_k}: the predictions hold the top {predictions.header.top_k}.",
            "Predict again with a larger --top-k.",
        )
    if not predictions.rows:
        raise DataError("there are no predictions to score.", "Check that the input file has rows.")
    columns = list(_columns(top_k))
    values = [[metric.per_row(row, k) for metric, k in columns] for row in predictions.rows]
    return [f"{metric.name}@{k}" for metric, k in columns], np.array(values, dtype=np.float64)


def _columns(top_k: int) -> Iterator[tuple[Metric, int]]:
    for name in METRICS.names():
        metric = METRICS.get(name)
        yield from ((metric, k) for k in metric.cutoffs if k <= top_k)


def interval(values: NDArray[np.float64], seed: int) -> tuple[list[float], list[float]]:
    """Return lower and upper ends ``[m]`` of the percentile interval of the column means of values ``[rows, m]``."""
    means = bootstrap_means(values, RESAMPLES, seed)
    ends = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return ends[0].tolist(), ends[1].tolist()


def bootstrap_means(values: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Column means ``[resamples, m]`` of rows drawn with replacement from ``values`` ``[rows, m]``."""
    rng = np.random.default_rng(seed)
    rows, width = values.shape
    block = max(1, _BLOCK_VALUES // (rows * width))
    means = [
        values[rng.integers(0, rows, size=(min(block, resamples - start), rows))].mean(axis=1)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(means)


def refuse_unpaired(first: Predictions, second: Predictions) -> None:
    """Raise UsageError where two files answer different questions."""
    if first.header.task != second.header.task:
        raise UsageError(f"cannot compare task {first.header.task!r} with {second.header.task!r}.")
    asked = [[(row.query, row.target) for row in p.rows] for p in (first, second)]
    if asked[0] != asked[1]:
        raise UsageError(
            f"the two files answer different questions ({len(asked[0])} and {len(asked[1])} rows).",
            "Make both from one input file.",
        )


def _notes(rows: Sequence[Prediction]) -> tuple[str, ...]:
    unreadable = [row.index for row in rows if canonical_or_none(row.target) is None]
    if not unreadable:
        return ()
    return (
        f"{len(unreadable)} targets cannot be read as SMILES and count as wrong; the first is row {unreadable[0]}.",
    )
