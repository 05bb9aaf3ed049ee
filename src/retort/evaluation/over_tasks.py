"""An arm that answers several tasks: the mean of the figures of its tasks, whatever their numbers of rows.

A row of a task counts by its share of that task. Of the mean's interval only what rows differ within their task is
resampled, as each task's rows are given; of a difference between arms, the rows' own differences are.

Legend: ``m`` figures, ``r`` seeds, ``n`` rows of a task.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from retort.errors import UsageError
from retort.evaluation.predictions import Predictions
from retort.evaluation.scoring import refuse_unpaired
from retort.evaluation.seeds import Figure, PairedDifference, Values, differences, figures, values_of

ByTask = Mapping[str, Sequence[Predictions]]


def pooled_over_tasks(tasks: ByTask, top_k: int, *, seed: int = 0) -> dict[str, Figure]:
    """Return ``name@k`` -> figure of an arm, the mean over its tasks; of one task that task's.

    Args:
        tasks: Task -> the predictions of each seed, of the same rows.
        top_k: The largest cut-off.
        seed: Of the bootstrap.

    Raises:
        DataError: There is no task, no seed or no row.
        UsageError: Files answer different questions, or hold fewer candidates than ``top_k``.
    """
    found = {task: values_of(seeds, top_k) for task, seeds in tasks.items()}
    names = next(iter(found.values()))[0]
    values = [own for _, own in found.values()]
    means = np.stack([own.mean(axis=1) for own in values])  # [tasks, r, m]
    centred = [own - mean[:, None] for own, mean in zip(values, means, strict=True)]
    return figures(names, _weighted(centred) + means.mean(axis=0)[:, None], seed=seed)


def paired_over_tasks(first: ByTask, second: ByTask, top_k: int, *, seed: int = 0) -> dict[str, PairedDifference]:
    """Return ``name@k`` -> second minus first, the mean over their tasks; raises as :func:`pooled_over_tasks`."""
    if first.keys() != second.keys():
        raise UsageError(f"{', '.join(first)} and {', '.join(second)} are not the same tasks.")
    for task, seeds in first.items():
        refuse_unpaired(seeds[0], second[task][0])
    names = values_of(next(iter(first.values())), top_k)[0]
    before, after = ([values_of(arm[task], top_k)[1] for task in first] for arm in (first, second))
    return differences(names, _weighted(before), _weighted(after), seed=seed)


def _weighted(tasks: Sequence[Values]) -> Values:
    """Join the rows of tasks [r, n, m], so weighted that the mean of all is the mean of the tasks' means."""
    rows = [values.shape[1] for values in tasks]
    mean = sum(rows) / len(rows)
    return np.concatenate([values * (mean / n) for values, n in zip(tasks, rows, strict=True)], axis=1)
