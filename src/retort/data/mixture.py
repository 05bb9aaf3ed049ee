"""How often the rows of a training set are visited: weights of tasks and sources, and a temperature between tasks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retort.errors import ConfigError, UnknownNameError

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mixture:
    """What a run wants to see how often.

    Attributes:
        tasks: Visits of a task's rows per epoch; 1.0 where not named. A key ``task/source`` is a factor on those of its
            rows that come from the source.
        sources: Factor on the visits of a source's rows; the folder's own where not named, else 1.0.
        temperature: At ``T``, a task of ``n`` rows gets a share in proportion to ``n^(1/T)`` (Arivazhagan et al.,
            arXiv:1907.05019; Raffel et al., JMLR 2020, 21, 140, section 3.5.2): 1 leaves the sizes as they are, a large
            number makes all tasks equal. An epoch keeps its number of visits.
    """

    tasks: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0


def row_weights(
    tasks: NDArray[np.uint8],
    task_names: tuple[str, ...],
    sources: NDArray[np.uint8] | None,
    source_names: tuple[str, ...],
    mixture: Mixture,
) -> Weights:
    """Return how often each row is visited per epoch on average; float64 [rows].

    Args:
        tasks: Index into ``task_names`` of each row; [rows].
        task_names: All tasks of the folder.
        sources: Index into ``source_names`` of each row, or None where rows have no source; [rows].
        source_names: All sources of the folder.
        mixture: What is asked for.

    Raises:
        UnknownNameError: A weight names a task or source that the folder does not have.
        ConfigError: A weight is negative.
    """
    whole = {key: weight for key, weight in mixture.tasks.items() if "/" not in key}
    by_task = _by_name("task", whole, task_names)
    by_source = _by_name("source", mixture.sources, source_names)
    weights: Weights = by_task[tasks] if sources is None else by_task[tasks] * by_source[sources]
    for key in sorted(_not_negative("task", mixture.tasks).keys() - whole.keys()):
        task, _, source = key.partition("/")
        of_task, of_source = _place("task", task, task_names), _place("source", source, source_names)
        here = (tasks == of_task) & (sources == of_source)
        weights = weights * np.where(here, mixture.tasks[key], 1.0)
    if mixture.temperature == 1:
        return weights
    rows = np.bincount(tasks[weights > 0], minlength=len(task_names))
    tempered = weights * np.maximum(rows, 1.0)[tasks] ** (1 / mixture.temperature - 1)
    scale = weights.sum() / tempered.sum() if tempered.any() else 1.0
    return np.asarray(tempered * scale)


def visits(weights: Weights, random: np.random.Generator) -> NDArray[np.int64]:
    """Return row indices, each repeated by the whole part of its weight and once more by chance of the rest."""
    times = np.floor(weights).astype(np.int64)
    times += random.random(len(weights)) < weights - times
    return np.repeat(np.arange(len(weights), dtype=np.int64), times)


def counted(indices: NDArray[np.uint8], names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs among indices into the names."""
    names = tuple(names)
    counts = np.bincount(indices, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _by_name(kind: str, weights: Mapping[str, float], names: tuple[str, ...]) -> Weights:
    found = np.ones(len(names))
    for name, weight in _not_negative(kind, weights).items():
        found[_place(kind, name, names)] = weight
    return found


def _place(kind: str, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise UnknownNameError(kind, name, names)
    return names.index(name)


def _not_negative(kind: str, weights: Mapping[str, float]) -> Mapping[str, float]:
    if any(weight < 0 for weight in weights.values()):
        raise ConfigError(f"{kind} weights must not be negative: {dict(weights)}.")
    return weights
