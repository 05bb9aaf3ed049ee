"""Train a network that tells classes apart: labelled rows -> fingerprints -> one hidden layer -> ``<task>.npz``.

For many classes with few rows each, where boosted trees would need one ensemble per class. Classes are the answers of
the train rows: texts, or sets of molecules that recur. Beside the model stand the
keys of its train rows (``<task>.seen.npy``), the test and calibration rows (``<task>.test.csv``, ``.valid_c.csv``), and
figures on the held-out rows beside popularity and nearest reaction (``<task>.metrics.json``).
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.config import as_dict, load, option
from retort.data.labelled import Labelled, LabelledRows, LabelledSource, read_labelled
from retort.data.protected import protected_molecules
from retort.data.splits import TRAIN
from retort.errors import ConfigError
from retort.inference.proposers.answer_ranker import AnswerRanker
from retort.models.ranker import Ranker, RankerMeta, SparseRows
from retort.prompting.task import TASKS
from retort.recipes.entry import run_with_config
from retort.recipes.labelled_report import held_out_figures, write_beside
from retort.training.ranker_settings import RankerTraining

if TYPE_CHECKING:
    from retort.models.ranker_network import RankerNetwork
    from retort.training.ranker import Epoch

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainClassifierConfig:
    """A network of classes to train."""

    task: str = option(help="task whose answers recur: texts or sets of molecules")
    output: Path = option(help="folder that receives the network and what belongs to it")
    sources: tuple[LabelledSource, ...] = option(help="where the rows come from")
    protect: tuple[str, ...] = option((), help="benchmarks whose held-out molecules no train row of another source has")
    network: RankerTraining = field(default_factory=RankerTraining, metadata={"help": "how it is trained"})
    score: tuple[str, ...] = option(("valid_a",), help="held-out parts that are scored; test only once, at the end")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the network reads"})


def train_classifier(config: TrainClassifierConfig, say: Say = print) -> Path:
    """Train, save and score; return the file of the network, whose weights are int8.

    Raises:
        ConfigError: The answers of the task are numbers.
        DataError: A source is not here or has no rows for the task.
    """
    task = TASKS.get(config.task)
    if task.answer_kind == "value":
        raise ConfigError(f"the answers of {task.name!r} are numbers, not one of several.", "Choose another task.")
    start = time.perf_counter()
    rows = read_labelled(task, config.sources, protected_molecules(config.protect) if config.protect else None)
    say(f"{task.name}: {len(rows.part(TRAIN)):,} train rows; dropped {dict(rows.dropped)}")
    path = config.output / f"{task.name}.npz"
    _fitted(config, rows, say).save(path)
    write_beside(config.output, task, rows)
    figures = held_out_figures(task, rows, AnswerRanker.load(path), config.score)
    seconds = round(time.perf_counter() - start)
    figures.save(config.output / f"{task.name}.metrics.json", config=as_dict(config), seconds=seconds)
    return path


def _fitted(config: TrainClassifierConfig, rows: LabelledRows, say: Say) -> Ranker:
    """Train one network; classes are numbered by falling frequency."""
    import torch

    from retort.training.ranker import fit

    torch.set_num_threads(1)
    train = rows.part(TRAIN)
    counts = dict(sorted(Counter(row.answer for row in train).items(), key=lambda pair: (-pair[1], pair[0])))
    place = {name: i for i, name in enumerate(counts)}
    y = np.array([place[row.answer] for row in train], np.int64)
    plain, settings = as_dict(config), config.network
    meta = RankerMeta(
        TASKS.get(config.task).name, "answer", plain["fingerprint"], rows.sha256, settings.seed, plain["network"]
    )

    def told(epoch: "Epoch", _: "RankerNetwork") -> None:
        say(f"epoch {epoch.number}: loss {epoch.loss:.3f}, {epoch.seconds:.0f} s")

    weights = fit(_fingerprints(config, train), y, _undescribed(len(counts)), settings, told)
    numbers = np.array(list(counts.values()), np.int32)
    return Ranker(meta, weights.w1, weights.b1, weights.w2, weights.b2, tuple(counts), numbers)


def _fingerprints(config: TrainClassifierConfig, rows: Sequence[Labelled]) -> SparseRows:
    return SparseRows(*config.fingerprint.rows(row.given for row in rows), config.fingerprint.bits)


def _undescribed(classes: int) -> SparseRows:
    """Return classes of which nothing is known but their rows."""
    return SparseRows(np.zeros(classes + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), 1)


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return train_classifier(load(TrainClassifierConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
