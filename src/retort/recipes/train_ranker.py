"""Train a ranker on a prepared folder: records -> classes -> network -> ``<task>.npz`` and ``<task>.metrics.json``.

Classes are the templates of the train rows (retrosynthesis, forward prediction) or their literal answers (reagent
prediction). Part A of the held-out rows is scored, source by source, with intervals; answers that are literal are also
held against popularity and nearest neighbour.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import Fingerprint
from retort.chem.template_features import answer_features, frequent_columns, template_features
from retort.chem.templates import NoTemplate
from retort.config import as_dict, load, option
from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.errors import DataError
from retort.models.ranker import Floats, Ranker, RankerMeta, SparseRows, log_sum
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.score_ranker import score_ranker
from retort.recipes.template_vocabulary import extract_templates, frequent_classes, reasons
from retort.training.ranker_settings import RankerTraining

if TYPE_CHECKING:
    from retort.models.ranker_network import RankerNetwork, Weights
    from retort.training.ranker import Epoch

Say = Callable[[str], None]
Labels = list[str | NoTemplate]
TrainedTask = Literal["retrosynthesis", "forward_prediction", "reagent_prediction"]
CUTOFFS = (1, 3, 5, 10)
_BATCH = 256  # rows whose scores are held at once


@dataclass(frozen=True)
class TrainRankerConfig:
    """A ranker to train."""

    prepared: Path = option(help="prepared folder whose records.parquet is read")
    output: Path = option(help="folder that receives <task>.npz, <task>.metrics.json and the cache of templates")
    task: TrainedTask = option(help="retrosynthesis, forward_prediction or reagent_prediction")
    sources: tuple[str, ...] = option((), help="sources whose rows are used; empty: all")
    minimum_count: int = option(1, help="classes that fewer train rows have are left out, with their rows")
    feature_minimum: int = option(10, help="features that fewer classes have are left out")
    evaluate_rows: int = option(500, help="rows of valid part A scored per source, at most; a seeded sample")
    workers: int = option(1, help="processes that extract templates")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the network reads"})
    training: RankerTraining = field(default_factory=RankerTraining, metadata={"help": "how it is trained"})


def train_ranker(config: TrainRankerConfig, say: Say = print) -> Path:
    """Train, quantise, save and score one ranker; return its file.

    Raises:
        DataError: The prepared folder is damaged, or none of its rows has a class.
    """
    start = time.perf_counter()
    task = TASKS.get(config.task)
    train, held = _records(config, task)
    labels = labels_of(config, [*train, *held], say)
    data = RankerRows.build(config, train, held, labels)
    counts = data.counts
    say(f"{task.name}: {len(counts):,} classes, {len(data.y):,} of {len(train):,} train rows")

    def watch(epoch: "Epoch", made: Callable[[], Ranker]) -> None:
        hits = {k: round(100 * share, 1) for k, share in data.hits(made()).items()}
        say(f"epoch {epoch.number}: loss {epoch.loss:.3f}, own class among first k {hits}, {epoch.seconds:.0f} s")

    ranker = fit_ranker(config, data, watch)
    path = config.output / f"{task.name}.npz"
    ranker.save(path)
    metrics: dict[str, Any] = {
        "task": task.name,
        "classes": len(counts),
        "train_rows": len(data.y),
        "left_out": dict(_left_out(labels[: len(train)], counts)),
        "coverage": {"valid_a": float((data.held_y >= 0).mean()) if held else None},
        "class_exact@k": {"float32": data.hits(ranker), "int8": data.hits(Ranker.load(path))},
        "valid_a": score_ranker(Ranker.load(path), task, train, held, config.evaluate_rows, config.training.seed),
        "data_sha256": ranker.meta.data_sha256,
        "config": as_dict(config),
        "seconds": round(time.perf_counter() - start),
    }
    (config.output / f"{task.name}.metrics.json").write_text(json.dumps(metrics, indent=1), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class RankerRows:
    """What the network sees.

    Attributes:
        used: Which of the train rows have a class, [rows].
        x, y: Train fingerprints, and their classes [rows].
        held_x, held_y: The same of the held-out rows; class -1 where the row's own is not in the vocabulary.
        counts: Class -> how many train rows have it, most frequent first.
        features: One row per class.
        class_counts: int32 [classes, 11], train rows by reaction class (0: unknown); None where none is known.
    """

    used: NDArray[np.int64]
    x: SparseRows
    y: NDArray[np.int64]
    held_x: SparseRows
    held_y: NDArray[np.int64]
    counts: Mapping[str, int]
    features: SparseRows
    class_counts: NDArray[np.int32] | None

    @classmethod
    def build(
        cls, config: TrainRankerConfig, train: Sequence[Record], held: Sequence[Record], labels: Labels
    ) -> "RankerRows":
        """Count the classes of the train rows and describe all rows.

        Args:
            config: Settings.
            train: Train rows.
            held: Held-out rows.
            labels: Of the train rows, then of the held-out rows.

        Raises:
            DataError: No train row has a class.
        """
        task = TASKS.get(config.task)
        counts = frequent_classes((x for x in labels[: len(train)] if isinstance(x, str)), config.minimum_count)
        if not counts:
            raise DataError(f"no train row of {str(config.prepared)!r} has a class for {task.name}.")
        column = {label: i for i, label in enumerate(counts)}
        y = np.array([column.get(label, -1) if isinstance(label, str) else -1 for label in labels], np.int64)
        used = np.flatnonzero(y[: len(train)] >= 0)
        rows = [train[i] for i in used.tolist()]
        x, held_x = (_fingerprints(config.fingerprint, task, some) for some in (rows, held))
        features, classes = _features(config, counts), _by_reaction_class(rows, y[used])
        return cls(used, x, y[used], held_x, y[len(train) :], counts, features, classes)

    def hits(self, ranker: Ranker) -> dict[str, float]:
        """Return the share of held-out rows whose own class is among the first k; a class unknown to it is a miss."""
        return hits_of(class_ranks(ranker, self.held_x, self.held_y))


@dataclass(frozen=True, slots=True)
class TypeColumns:
    """What a network reads beside the fingerprint.

    Attributes:
        shares: Of each type in every train row that is used, [rows, types].
        scale: What they are multiplied by.
        sha256: Checksum of the types; empty for curated classes.
    """

    shares: Floats
    scale: float
    sha256: str


def class_ranks(
    ranker: Ranker, x: SparseRows, y: NDArray[np.int64], shares: Floats | None = None, *, mixed: bool = False
) -> NDArray[np.int64]:
    """Return the rank, from 1, of each row's own class [rows]; 0 where it is unknown. Of equals the first is first.

    Args:
        ranker: What ranks.
        x: Fingerprints.
        y: Own classes; -1 where unknown.
        shares: Of each type in every row, for a ranker that reads types.
        mixed: Whether types are mixed behind the network.
    """
    ranks = np.zeros(len(x), np.int64)
    for start in range(0, len(x), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(x)))
        dense, told = x.take(rows).dense(), None if shares is None else shares[rows]
        if mixed and told is not None:
            scores = log_sum(ranker.joint_log_probabilities(dense, told))
        else:
            scores = ranker.log_probabilities(dense, told)
        own = np.take_along_axis(scores, np.maximum(y[rows], 0)[:, None], axis=1)
        before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < y[rows, None]))
        ranks[rows] = np.where(y[rows] >= 0, 1 + before.sum(axis=1), 0)
    return ranks


def hits_of(ranks: NDArray[np.int64]) -> dict[str, float]:
    """Return k -> share of rows whose rank is 1..k."""
    return {str(k): float(((ranks > 0) & (ranks <= k)).sum() / max(1, len(ranks))) for k in CUTOFFS}


def _records(config: TrainRankerConfig, task: Task) -> tuple[list[Record], list[Record]]:
    records = [r for r in read_records(config.prepared / "records.parquet") if fits(task, r)]
    chosen = [record for record in records if not config.sources or record.source in config.sources]
    return [r for r in chosen if r.split == "train"], [r for r in chosen if r.split == "valid_a"]


def labels_of(config: TrainRankerConfig, records: Sequence[Record], say: Say) -> Labels:
    """Return the class of each record, or why it has none; templates are kept in the output folder."""
    if config.task == "reagent_prediction":
        return [".".join(record.reaction.reagents) for record in records]
    found = extract_templates((r.mapped for r in records if r.mapped), config.output, config.workers, say)
    return [found[record.mapped] if record.mapped else NoTemplate("no atom map") for record in records]


def _left_out(labels: Labels, counts: Mapping[str, int]) -> list[tuple[str, int]]:
    rare = sum(isinstance(label, str) and label not in counts for label in labels)
    return [*reasons(labels).items(), ("class too rare", rare)]


def _fingerprints(fingerprint: Fingerprint, task: Task, records: Sequence[Record]) -> SparseRows:
    return SparseRows(*fingerprint.rows(task.given(record.reaction) for record in records), fingerprint.bits)


def _features(config: TrainRankerConfig, counts: Mapping[str, int]) -> SparseRows:
    describe = answer_features if config.task == "reagent_prediction" else template_features
    described = [describe(name) for name in counts]
    columns = frequent_columns(described, config.feature_minimum)
    kept = [{columns[name]: n for name, n in row.items() if name in columns} for row in described]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in kept])]).astype(np.int64)
    indices = np.array([i for row in kept for i in row], np.int32)
    values = np.log1p(np.array([n for row in kept for n in row.values()], np.float32))
    return SparseRows(indptr, indices, values, max(1, len(columns)))


def _by_reaction_class(records: Sequence[Record], y: NDArray[np.int64]) -> NDArray[np.int32] | None:
    given = np.array([record.reaction_class or 0 for record in records], np.int64)
    if not given.any():
        return None
    table = np.zeros((int(y.max()) + 1, 11), np.int32)
    np.add.at(table, (y, given), 1)
    return table


def fit_ranker(
    config: TrainRankerConfig,
    data: RankerRows,
    watch: Callable[["Epoch", Callable[[], Ranker]], None],
    types: TypeColumns | None = None,
) -> Ranker:
    """Train one network.

    Args:
        config: Settings.
        data: Rows.
        watch: Told of every epoch, with what makes a ranker of the network as it is then.
        types: What it reads beside the fingerprint.
    """
    import torch

    from retort.training.ranker import fit

    torch.set_num_threads(1)
    kind: Literal["template", "answer"] = "answer" if config.task == "reagent_prediction" else "template"
    digest = sha256((config.prepared / "records.parquet").read_bytes()).hexdigest()
    plain = as_dict(config)
    meta = RankerMeta(config.task, kind, plain["fingerprint"], digest, config.training.seed, plain["training"])
    x = data.x
    if types is not None:
        x = x.beside(np.float32(types.scale) * types.shares)
        meta = replace(meta, types=types.shares.shape[1], type_scale=types.scale, types_sha256=types.sha256)

    def ranker(weights: "Weights") -> Ranker:
        numbers = np.array(list(data.counts.values()), np.int32)
        w = weights
        return Ranker(meta, w.w1, w.b1, w.w2, w.b2, tuple(data.counts), numbers, data.class_counts)

    def told(epoch: "Epoch", network: "RankerNetwork") -> None:
        watch(epoch, lambda: ranker(network.export()))

    return ranker(fit(x, data.y, data.features, config.training, told))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m retort.recipes.train_ranker CONFIG.toml [key=value ...]``; return the exit code."""
    return run_with_config(lambda path, overrides: train_ranker(load(TrainRankerConfig, path, overrides)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
