"""Train networks that answer a task with a number: labelled rows -> fingerprints -> one network per fold -> ``.npz``.

Beside the model stand the keys of its train rows (``<task>.seen.npy``), the test rows (``<task>.test.csv``) for
``retort evaluate``, and figures on the held-out rows beside the mean and the nearest reaction
(``<task>.metrics.json``).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import Fingerprint, packed_bits
from retort.config import as_dict, load, option
from retort.data.labelled import Labelled, LabelledRows, LabelledSource, read_labelled
from retort.data.splits import TRAIN
from retort.errors import ConfigError
from retort.inference.proposers.value_network import ValueProposer
from retort.inference.questions import split_roles
from retort.models.boosted import ModelMeta
from retort.models.value_network import Domain, ValueNetwork, distinct_rows
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.labelled_report import held_out_figures, write_beside
from retort.training.value_network import ValueTraining, correction, fit_values

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainValuesConfig:
    """Networks of numbers to train."""

    task: str = option(help="task whose answers are numbers")
    output: Path = option(help="folder that receives the model and what belongs to it")
    sources: tuple[LabelledSource, ...] = option(help="where the rows come from")
    score: tuple[str, ...] = option((), help="held-out parts that are scored; test only once, at the end")
    least_similarity: float = option(1.0, help="of two molecules that count as the same when a question is declined")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the networks look at"})
    training: ValueTraining = field(default_factory=ValueTraining, metadata={"help": "how they are trained"})


def train_values(config: TrainValuesConfig, say: Say = print) -> Path:
    """Train, save and score; return the file of the model.

    Raises:
        ConfigError: The answers of the task are no numbers.
        DataError: A source is not here or has no rows for the task.
    """
    task = TASKS.get(config.task)
    if task.answer_kind != "value":
        raise ConfigError(f"the answers of {task.name!r} are no numbers.", "Choose another task.")
    start = time.perf_counter()
    rows = read_labelled(task, config.sources)
    say(f"{task.name}: {len(rows.part(TRAIN)):,} train rows; dropped {dict(rows.dropped)}")
    path = config.output / f"{task.name}.npz"
    fit_network(config, task, rows, say).save(path)
    write_beside(config.output, task, rows)
    figures = held_out_figures(task, rows, ValueProposer.load(path), config.score)
    seconds = round(time.perf_counter() - start)
    figures.save(config.output / f"{task.name}.metrics.json", config=as_dict(config), seconds=seconds)
    return path


def fit_network(config: TrainValuesConfig, task: Task, rows: LabelledRows, say: Say) -> ValueNetwork:
    """Train on the train rows; the interval is corrected on what each network did not see."""
    import torch

    torch.set_num_threads(1)
    train, plain = rows.part(TRAIN), as_dict(config)
    counts = config.fingerprint.dense([row.given for row in train])
    truth = np.array([float(row.answer) for row in train], np.float32)
    columns = varying(counts)
    centre, scale = counts[:, columns].mean(axis=0), counts[:, columns].std(axis=0)
    unit = (float(truth.mean()), float(truth.std()) or 1.0)
    x, y = (counts[:, columns] - centre) / scale, (truth - unit[0]) / unit[1]
    trained = fit_values(x, y.astype(np.float32), config.training, say)
    meta = ModelMeta(
        task.name,
        plain["fingerprint"],
        rows.sha256,
        config.training.seed,
        len(train),
        {"training": plain["training"], "sources": plain["sources"]},
    )
    level, domain = config.training.level, domain_of(train, config.least_similarity)
    parts = (meta, columns, centre, scale, trained.weights, trained.biases, unit)
    raw = ValueNetwork(*parts, 0.0, level, domain)
    unseen = np.clip(raw.outputs(counts)[trained.folds, np.arange(len(train))], *task.bounds)
    added = correction(unseen[:, 1], unseen[:, 2], truth, level)
    say(f"interval of {100 * level:g} %: corrected by {added:+.2f} {task.unit}")
    return ValueNetwork(*parts, added, level, domain)


def varying(counts: NDArray[Any]) -> NDArray[np.int32]:
    """Return the distinct columns of counts [n, bits] that are not the same in every row."""
    _, first = np.unique(counts, axis=1, return_index=True)
    return np.array(sorted(i for i in first.tolist() if np.ptp(counts[:, i])), np.int32)


def domain_of(train: Sequence[Labelled], least: float) -> Domain:
    """Return the molecules of the train rows, and which of them met."""
    parts = [[p for role in split_roles(row.given) for p in role.split(".") if p] for row in train]
    place = {molecule: i for i, molecule in enumerate(sorted({p for row in parts for p in row}))}
    words = np.stack([packed_bits(molecule) for molecule in place])
    return Domain(words, distinct_rows([[place[p] for p in row] for row in parts]), least)


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return train_values(load(TrainValuesConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
