"""The batches of an epoch: rows by weight, token budgets, length buckets.

Every plan is a function of ``(seed, epoch)``, so a run resumes from ``(epoch, batch)`` without having kept an order on
disk. No torch here.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retort.data.collate import PreparedSplit, Rows, rounded_up
from retort.data.mixture import Mixture, row_weights, visits
from retort.errors import ConfigError, DataError

_SOURCE_BUCKET = 4  # rows are sorted by source length in steps of this many tokens, then by target length


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The batches of one epoch.

    Attributes:
        batches: Row indices of each batch, in the order they are visited.
        too_long: Rows left out because source or target exceeds its limit.
    """

    batches: list[Rows]
    too_long: int


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Sizes in tokens.

    Attributes:
        tokens: Most source + target tokens of a batch, padding included.
        source: Longest source that is used.
        target: Longest target that is used.
        multiple: Batches are padded to lengths that are multiples of this.
    """

    tokens: int
    source: int
    target: int
    multiple: int = 1

    def __post_init__(self) -> None:
        if rounded_up(self.source, self.multiple) + rounded_up(self.target, self.multiple) > self.tokens:
            raise ConfigError(
                f"a batch of {self.tokens} tokens cannot hold a source of {self.source} and a target of {self.target}.",
                "Raise tokens_per_batch or lower the length limits.",
            )


def plan_epoch(
    split: PreparedSplit, limits: BatchLimits, *, epoch: int, seed: int, mixture: Mixture | None = None
) -> BatchPlan:
    """Cut the rows of an epoch into batches of like length, and shuffle the batches.

    ``mixture`` says how often rows are visited; once each without it, but for the folder's own weights of sources.

    Raises:
        UnknownNameError: A weight names a task or source that the folder does not have.
        DataError: No row fits the limits.
    """
    random = np.random.default_rng([seed, epoch])
    rows = random.permutation(visits(weights_of(split, mixture or Mixture()), random))
    sources, targets = split.lengths(epoch)
    fits = (sources[rows] <= limits.source) & (targets[rows] <= limits.target)
    kept = rows[fits]
    if not len(kept):
        raise DataError(f"none of {len(rows)} rows fits the length limits {limits.source} and {limits.target}.")
    order = kept[np.lexsort((targets[kept], sources[kept] // _SOURCE_BUCKET))]
    batches = _cut(order, sources, targets, limits)
    return BatchPlan([batches[i] for i in random.permutation(len(batches))], int(len(rows) - len(kept)))


def weights_of(split: PreparedSplit, mixture: Mixture) -> NDArray[np.float64]:
    """Return how often each row is visited per epoch on average; float64 [rows]."""
    whole = replace(mixture, sources={**split.source_weights, **mixture.sources})
    sources = None if split.sources is None else np.asarray(split.sources)
    return row_weights(np.asarray(split.tasks), split.task_names, sources, split.source_names, whole)


def fixed_subset(split: PreparedSplit, rows: int, seed: int = 0) -> Rows:
    """Return at most ``rows`` rows of every task, the same at each call, in rising order."""
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(split.tasks == task))[:rows] for task in np.unique(split.tasks)]
    return np.sort(np.concatenate(chosen)).astype(np.int64) if chosen else np.empty(0, np.int64)


def sorted_batches(split: PreparedSplit, rows: Rows, limits: BatchLimits) -> BatchPlan:
    """Cut given rows into batches by length, without chance: for evaluation."""
    sources, targets = split.lengths()
    kept = rows[(sources[rows] <= limits.source) & (targets[rows] <= limits.target)]
    order = kept[np.lexsort((targets[kept], sources[kept] // _SOURCE_BUCKET))]
    return BatchPlan(_cut(order, sources, targets, limits), int(len(rows) - len(kept)))


def _cut(order: Rows, sources: Rows, targets: Rows, limits: BatchLimits) -> list[Rows]:
    batches: list[Rows] = []
    start, longest_source, longest_target = 0, 0, 0
    widths, heights = rounded_up(sources[order], limits.multiple), rounded_up(targets[order], limits.multiple)
    for i, (source, target) in enumerate(zip(widths.tolist(), heights.tolist(), strict=True)):
        wider_source, wider_target = max(longest_source, source), max(longest_target, target)
        if (i - start + 1) * (wider_source + wider_target) > limits.tokens:
            batches.append(order[start:i])
            start, wider_source, wider_target = i, source, target
        longest_source, longest_target = wider_source, wider_target
    if start < len(order):
        batches.append(order[start:])
    return batches
