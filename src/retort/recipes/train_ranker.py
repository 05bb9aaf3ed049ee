"""Train a ranker on a prepared folder: records -> classes -> network -> ``<task>.npz`` and ``<task>.metrics.json``.

Classes are the templates of the train rows (retrosynthesis, forward prediction) or their literal answers (reagent
prediction). Part A of the held-out rows is scored, source by source, with intervals; answers that are literal are also
held against popularity and nearest neighbour.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from retort.models.ranker import Ranker, RankerMeta, SparseRows, top_k
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
    labels = _labels(config, [*train, *held], say)
    counts = frequent_classes((label for label in labels[: len(train)] if isinstance(label, str)), config.minimum_count)
    if not counts:
        raise DataError(f"no train row of {str(config.prepared)!r} has a class for {task.name}.")
    data = _Data.build(config, task, train, held, labels, counts)
    say(f"{task.name}: {len(counts):,} classes, {len(data.y):,} of {len(train):,} train rows")
    ranker = _fit(config, data, counts, say)
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
class _Data:
    """What the network sees.

    Attributes:
        x, y: Train fingerprints, and their classes [rows].
        held_x, held_y: The same of valid part A; class -1 where the row's own is not in the vocabulary.
        features: One row per class.
        class_counts: int32 [classes, 11], train rows by reaction class (0: unknown); None where none is known.
    """

    x: SparseRows
    y: NDArray[np.int64]
    held_x: SparseRows
    held_y: NDArray[np.int64]
    features: SparseRows
    class_counts: NDArray[np.int32] | None

    @classmethod
    def build(
        cls,
        config: TrainRankerConfig,
        task: Task,
        train: Sequence[Record],
        held: Sequence[Record],
        labels: Labels,
        counts: Mapping[str, int],
    ) -> "_Data":
        column = {label: i for i, label in enumerate(counts)}
        y = np.array([column.get(label, -1) if isinstance(label, str) else -1 for label in labels], np.int64)
        used = [record for record, label in zip(train, y[: len(train)], strict=True) if label >= 0]
        known = y[: len(train)][y[: len(train)] >= 0]
        x, held_x = (_fingerprints(config.fingerprint, task, rows) for rows in (used, held))
        return cls(x, known, held_x, y[len(train) :], _features(config, counts), _by_reaction_class(used, known))

    def hits(self, ranker: Ranker) -> dict[str, float]:
        """Return the share of held-out rows whose own class is among the first k; a class unknown to it is a miss."""
        found = np.zeros(len(CUTOFFS))
        for start in range(0, len(self.held_x), 512):
            rows = np.arange(start, min(start + 512, len(self.held_x)))
            best = top_k(ranker.log_probabilities(self.held_x.take(rows).dense()), CUTOFFS[-1])
            right = best == self.held_y[rows, None]
            found += [right[:, :k].any(axis=1).sum() for k in CUTOFFS]
        return {str(k): float(n / max(1, len(self.held_x))) for k, n in zip(CUTOFFS, found, strict=True)}


def _records(config: TrainRankerConfig, task: Task) -> tuple[list[Record], list[Record]]:
    records = [r for r in read_records(config.prepared / "records.parquet") if fits(task, r)]
    chosen = [record for record in records if not config.sources or record.source in config.sources]
    return [r for r in chosen if r.split == "train"], [r for r in chosen if r.split == "valid_a"]


def _labels(config: TrainRankerConfig, records: Sequence[Record], say: Say) -> Labels:
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


def _fit(config: TrainRankerConfig, data: _Data, counts: Mapping[str, int], say: Say) -> Ranker:
    import torch

    from retort.training.ranker import fit

    torch.set_num_threads(1)
    kind: Literal["template", "answer"] = "answer" if config.task == "reagent_prediction" else "template"
    digest = sha256((config.prepared / "records.parquet").read_bytes()).hexdigest()
    plain = as_dict(config)
    meta = RankerMeta(config.task, kind, plain["fingerprint"], digest, config.training.seed, plain["training"])

    def ranker(weights: "Weights") -> Ranker:
        numbers = np.array(list(counts.values()), np.int32)
        w = weights
        return Ranker(meta, w.w1, w.b1, w.w2, w.b2, tuple(counts), numbers, data.class_counts)

    def watch(epoch: "Epoch", network: "RankerNetwork") -> None:
        hits = {k: round(100 * share, 1) for k, share in data.hits(ranker(network.export())).items()}
        say(f"epoch {epoch.number}: loss {epoch.loss:.3f}, own class among first k {hits}, {epoch.seconds:.0f} s")

    return ranker(fit(data.x, data.y, data.features, config.training, watch))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m retort.recipes.train_ranker CONFIG.toml [key=value ...]``; return the exit code."""
    return run_with_config(lambda path, overrides: train_ranker(load(TrainRankerConfig, path, overrides)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
