"""Train boosted trees that answer a task with one of several texts: labelled rows -> fingerprints -> ``<task>.npz``.

Beside the model stand the keys of its train rows (``<task>.seen.npy``), the test and calibration rows
(``<task>.test.csv``, ``<task>.valid_c.csv``) for ``retort evaluate``, and figures on the held-out rows beside
popularity and nearest reaction (``<task>.metrics.json``).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.config import as_dict, load, option
from retort.data.labelled import Labelled, LabelledSource, read_labelled
from retort.data.splits import TRAIN
from retort.errors import ConfigError
from retort.inference.proposers.boosted_trees import BoostedTrees
from retort.models.boosted import ModelMeta
from retort.models.ranker import SparseRows
from retort.models.trees import Growth
from retort.prompting.task import TASKS
from retort.recipes.entry import run_with_config
from retort.recipes.labelled_report import held_out_figures, write_beside
from retort.training.boosted import grow_classes

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainBoostedConfig:
    """Boosted trees to train."""

    task: str = option(help="task whose answers are one of several texts")
    output: Path = option(help="folder that receives the model and what belongs to it")
    sources: tuple[LabelledSource, ...] = option(help="where the rows come from")
    score: tuple[str, ...] = option(("valid_a",), help="held-out parts that are scored; test only once, at the end")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the trees look at"})
    growth: Growth = field(default_factory=Growth, metadata={"help": "how the trees are grown"})


def train_boosted(config: TrainBoostedConfig, say: Say = print) -> Path:
    """Train, save and score; return the file of the model.

    Raises:
        ConfigError: The task has no choices, or the fingerprint is damped.
        DataError: A source is not here or has no rows for the task.
    """
    task = TASKS.get(config.task)
    if not task.choices or config.fingerprint.damped:
        raise ConfigError(f"boosted trees need a task with choices, not {task.name!r}, and counts that are not damped.")
    start = time.perf_counter()
    rows = read_labelled(task, config.sources)
    train = rows.part(TRAIN)
    classes = sorted({row.answer for row in train}, key=list(task.choices.values()).index)
    say(f"{task.name}: {len(train):,} train rows, {len(classes)} classes; dropped {dict(rows.dropped)}")
    plain = as_dict(config)
    meta = ModelMeta(
        task.name, plain["fingerprint"], rows.sha256, config.growth.seed, len(train), {"growth": plain["growth"]}
    )
    y = np.array([classes.index(row.answer) for row in train], np.int64)
    model = grow_classes(_counts(config, train), y, classes, config.growth, meta)
    path = config.output / f"{task.name}.npz"
    model.save(path)
    write_beside(config.output, task, rows)
    figures = held_out_figures(task, rows, BoostedTrees.load(path), config.score)
    seconds = round(time.perf_counter() - start)
    figures.save(config.output / f"{task.name}.metrics.json", config=plain, seconds=seconds)
    return path


def _counts(config: TrainBoostedConfig, rows: Sequence[Labelled]) -> SparseRows:
    return SparseRows(*config.fingerprint.rows(row.given for row in rows), config.fingerprint.bits)


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return train_boosted(load(TrainBoostedConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
