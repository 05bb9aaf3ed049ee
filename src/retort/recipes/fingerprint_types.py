"""Reference types that no network has touched: clusters of reaction fingerprints, read from the product's fingerprint.

``python -m retort.recipes.fingerprint_types CONFIG.toml [KEY=VALUE]...`` writes row types as
:mod:`retort.recipes.row_types` does for elicited ones: ``fingerprint_difference-<types>.npz``, and clusters of the
inputs alone as ``input-<types>.npz``. They hold neither tokens nor row numbers, so rankers can be told them and
language models cannot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.config import load, option
from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.elicitation.annotating import fit_annotator, split_within
from retort.elicitation.checks import Doubles, Floats, Labels
from retort.elicitation.clustering import cluster
from retort.elicitation.knowledge import RowTypes
from retort.elicitation.vectors import fingerprint_vectors
from retort.errors import DataError
from retort.models.pooling import sha256_of
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.row_types import TRAIN, Part, TypesOfRows

Say = Callable[[str], None]
_NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class FingerprintTypesConfig:
    """Reference types."""

    prepared: Path = option(help="prepared folder whose records.parquet is read")
    output: Path = option(help="folder that receives the files")
    task: str = option("retrosynthesis", help="whose inputs are read")
    source: str = option("uspto_50k", help="source of the rows")
    parts: tuple[str, ...] = option(("valid_a", "test"), help="held-out parts")
    types: tuple[int, ...] = option((10, 6), help="numbers of types")
    bits: int = option(512, help="length of a fingerprint")
    read: int = option(128, help="principal components of the product's fingerprint that the annotator reads")
    folds: int = option(5, help="folds of the annotator's labels out of fold")
    starts: int = option(4, help="starts of the clustering, of which the best is kept")
    seed: int = option(0, help="of clustering and folds")


@dataclass(frozen=True, eq=False)
class _Part:
    """The records of one part with the fingerprints of reaction and input, float32 [n, bits]."""

    records: Sequence[Record]
    reactions: Floats
    inputs: Floats

    def of(self, labels: Labels, read: Doubles) -> Part:
        classes = np.array([record.reaction_class or 0 for record in self.records], np.int64)
        return Part(np.array([record.id for record in self.records]), RowTypes(labels, read, classes))


def write_fingerprint_types(config: FingerprintTypesConfig, say: Say = print) -> Path:
    """Write two files per number of types and return the folder.

    Raises:
        DataError: The prepared folder is damaged or a part has no rows.
        VectorError: There are fewer distinct rows than types.
    """
    task = TASKS.get(config.task)
    records = [r for r in read_records(config.prepared / "records.parquet") if r.source == config.source]
    parts = {name: _part(config, task, name, records) for name in (TRAIN, *config.parts)}
    for number in config.types:
        _clusters(config, number, parts, say).save(config.output / f"fingerprint_difference-{number}.npz")
        _inputs(config, number, parts).save(config.output / f"input-{number}.npz")
    return config.output


def _part(config: FingerprintTypesConfig, task: Task, name: str, records: Sequence[Record]) -> _Part:
    chosen = [record for record in records if record.split == name and fits(task, record)]
    if not chosen:
        raise DataError(f"{config.source!r} has no rows of {task.name} in the part {name!r}.")
    sides = [(".".join(r.reaction.reactants), ".".join(r.reaction.products)) for r in chosen]
    reactions = fingerprint_vectors([">>".join(pair) for pair in sides], bits=config.bits).values
    return _Part(chosen, reactions, Fingerprint(bits=config.bits).dense([task.given(r.reaction) for r in chosen]))


def _clusters(config: FingerprintTypesConfig, number: int, parts: dict[str, _Part], say: Say) -> TypesOfRows:
    """Cluster the reactions of the train rows, and fit what reads the cluster from the input."""
    train = parts[TRAIN]
    found = cluster(train.reactions, number, config.seed, config.starts)
    labels = found.assign(train.reactions)
    groups = [".".join(record.reaction.products) for record in train.records]
    cut = split_within(len(labels), seed=config.seed, groups=groups)
    fitted = fit_annotator(
        train.inputs,
        labels,
        number,
        cut,
        size=config.read,
        count=config.folds,
        seed=config.seed,
        groups=groups,
    )
    say(f"{number} types: sizes {np.bincount(labels).tolist()}, {fitted.unconverged} fits did not come to rest")
    made = {TRAIN: train.of(labels, fitted.out_of_fold)}
    for name in config.parts:
        part = parts[name]
        made[name] = part.of(found.assign(part.reactions), fitted.head.probabilities(part.inputs))
        right = (made[name].types.read.argmax(axis=1) == made[name].types.labels).mean()
        say(f"{number} types: the annotator is right in {right:.4f} of {len(part.records):,} rows of {name}")
    digest = sha256_of([found.centroids.tobytes(), fitted.head.weight.tobytes(), fitted.head.bias.tobytes()])
    return TypesOfRows(config.task, "fingerprint_difference", digest, "", _NO_ROWS, made)


def _inputs(config: FingerprintTypesConfig, number: int, parts: dict[str, _Part]) -> TypesOfRows:
    """Cluster the inputs of the train rows; every input says its own cluster."""
    found = cluster(parts[TRAIN].inputs, number, config.seed, config.starts)
    made = {}
    for name, part in parts.items():
        labels = found.assign(part.inputs)
        made[name] = part.of(labels, np.eye(number)[labels])
    return TypesOfRows(config.task, "input", sha256_of([found.centroids.tobytes()]), "", _NO_ROWS, made)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(
        lambda path, given: write_fingerprint_types(load(FingerprintTypesConfig, path, given)), arguments
    )


if __name__ == "__main__":
    raise SystemExit(main())
