"""Prepared folders as training batches: memory-mapped tokens, token budgets, length buckets; tensors begin here.

Needs numpy and torch alone, so that training runs where RDKit and polars are absent. Every plan is a function of
``(seed, epoch)``, so a run resumes from ``(epoch, batch)`` without having kept an order on disk.

Legend: ``b`` examples of a batch, ``s`` source tokens, ``t`` target tokens.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import ConfigError, DataError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT, VERSION = "retort-prepared", 1
PAD_ID, IGNORED = 0, -100
_SOURCE_BUCKET = 4  # rows are sorted by source length in steps of this many tokens, then by target length
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of one batch.

    Attributes:
        source: Token ids ended by ``</s>``, padded with 0; [b, s].
        source_mask: 1 at tokens, 0 at padding; [b, s].
        labels: Target ids ended by ``</s>``, padded with -100; [b, t].
        tokens: Source and target tokens without padding.
    """

    source: "Tensor"
    source_mask: "Tensor"
    labels: "Tensor"
    tokens: int


@dataclass(frozen=True)
class PreparedSplit:
    """The rows of one split, each in ``copies`` spellings.

    Attributes:
        tokens: All sequences one after another, uint16 [total].
        offsets: Start of sequence ``2 * (row * copies + copy)`` (source) and of the next one (target), int64.
        tasks: Index into ``task_names`` of each row, uint8 [rows].
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    tasks: NDArray[np.uint8]
    task_names: tuple[str, ...]
    copies: int

    def __len__(self) -> int:
        return len(self.tasks)

    def pair(self, row: int, epoch: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return the source and target ids of a row in the spelling of an epoch; both end in ``</s>``.

        Row ``r`` is read in copy ``(r + e) mod copies`` in epoch ``e``: every epoch holds all kinds of copies, and a
        row has shown each of its copies after ``copies`` epochs.
        """
        first = 2 * (row * self.copies + (row + epoch) % self.copies)
        start, middle, end = self.offsets[first : first + 3]
        return self.tokens[start:middle], self.tokens[middle:end]

    def lengths(self, epoch: int = 0) -> tuple[Rows, Rows]:
        """Return the source and target lengths of every row in the spelling of an epoch, in tokens."""
        rows = np.arange(len(self))
        first = 2 * (rows * self.copies + (rows + epoch) % self.copies)
        starts = np.asarray(self.offsets)
        return starts[first + 1] - starts[first], starts[first + 2] - starts[first + 1]


@dataclass(frozen=True)
class PreparedFolder:
    """A prepared data set on disk."""

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path, *, verify: bool = False) -> "PreparedFolder":
        """Read the manifest; with ``verify``, also compare the checksum of every file it names.

        Raises:
            DataError: The folder is absent, of another version, or damaged.
        """
        try:
            manifest = json.loads((path / "manifest.json").read_text("utf-8"))
            kind, version = manifest["format"], manifest["version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{str(path)!r} is not a prepared folder: {error}.", "Run `retort prepare`.") from error
        if (kind, version) != (FORMAT, VERSION):
            raise DataError(f"{str(path)!r} is {kind!r} version {version!r}, not {FORMAT!r} version {VERSION}.")
        folder = cls(path, manifest)
        if verify:
            folder.verify()
        return folder

    def verify(self) -> None:
        """Compare the checksum of every file of the manifest.

        Raises:
            DataError: A file is missing or altered.
        """
        for name, expected in self.manifest["files"].items():
            try:
                with (self.path / name).open("rb") as file:
                    actual = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise DataError(f"{name!r} of {str(self.path)!r} cannot be read: {error.strerror}.") from error
            if actual != expected:
                raise DataError(f"{name!r} of {str(self.path)!r} is damaged.", "Run `retort prepare` again.")

    def split(self, name: str) -> PreparedSplit:
        """Map the arrays of one split into memory.

        Raises:
            UnknownNameError: The folder has no such split.
            DataError: An array is missing, damaged, or does not fit the others.
        """
        if name not in self.manifest["splits"]:
            raise UnknownNameError("split", name, self.manifest["splits"])
        try:
            tokens, offsets, tasks = (
                np.load(self.path / f"{name}.{part}.npy", mmap_mode="r") for part in ("tokens", "offsets", "tasks")
            )
        except (OSError, ValueError) as error:
            raise DataError(f"split {name!r} of {str(self.path)!r} cannot be read: {error}.") from error
        copies = int(self.manifest["copies"].get(name, 1))
        if len(offsets) != 2 * len(tasks) * copies + 1 or offsets[-1] != len(tokens):
            raise DataError(f"the arrays of split {name!r} of {str(self.path)!r} do not fit together.")
        return PreparedSplit(tokens, offsets, tasks, tuple(self.manifest["tasks"]), copies)


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
    """

    tokens: int
    source: int
    target: int

    def __post_init__(self) -> None:
        if self.source + self.target > self.tokens:
            raise ConfigError(
                f"a batch of {self.tokens} tokens cannot hold a source of {self.source} and a target of {self.target}.",
                "Raise tokens_per_batch or lower the length limits.",
            )


def plan_epoch(
    split: PreparedSplit, limits: BatchLimits, *, epoch: int, seed: int, weights: Mapping[str, float] | None = None
) -> BatchPlan:
    """Cut the rows of an epoch into batches of like length, and shuffle the batches.

    ``weights`` says how often a row of a task is visited per epoch on average; 1.0 where a task is not named.

    Raises:
        UnknownNameError: A weight names a task that the folder does not have.
        DataError: No row fits the limits.
    """
    random = np.random.default_rng([seed, epoch])
    rows = random.permutation(_mixture(split, weights or {}, random))
    sources, targets = split.lengths(epoch)
    fits = (sources[rows] <= limits.source) & (targets[rows] <= limits.target)
    kept = rows[fits]
    if not len(kept):
        raise DataError(f"none of {len(rows)} rows fits the length limits {limits.source} and {limits.target}.")
    order = kept[np.lexsort((targets[kept], sources[kept] // _SOURCE_BUCKET))]
    batches = _cut(order, sources, targets, limits.tokens)
    return BatchPlan([batches[i] for i in random.permutation(len(batches))], int(len(rows) - len(kept)))


def collate(split: PreparedSplit, rows: Sequence[int] | Rows, epoch: int = 0) -> Batch:
    """Pad the rows of a batch to its longest source and target."""
    import torch

    pairs = [split.pair(int(row), epoch) for row in rows]
    source = _padded([pair[0] for pair in pairs], PAD_ID)
    labels = _padded([pair[1] for pair in pairs], IGNORED)
    tensor = torch.from_numpy(source)
    count = sum(len(a) + len(b) for a, b in pairs)
    return Batch(tensor, (tensor != PAD_ID).long(), torch.from_numpy(labels), count)


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
    return BatchPlan(_cut(order, sources, targets, limits.tokens), int(len(rows) - len(kept)))


def _mixture(split: PreparedSplit, weights: Mapping[str, float], random: np.random.Generator) -> Rows:
    """Return row indices, each repeated by the whole part of its task's weight and once more by chance of the rest."""
    for name in weights:
        if name not in split.task_names:
            raise UnknownNameError("task", name, split.task_names)
    by_task = np.array([weights.get(name, 1.0) for name in split.task_names])
    if (by_task < 0).any():
        raise ConfigError(f"task weights must not be negative: {dict(weights)}.")
    weight = by_task[np.asarray(split.tasks)]
    times = np.floor(weight).astype(np.int64)
    times += random.random(len(weight)) < weight - times
    return np.repeat(np.arange(len(split), dtype=np.int64), times)


def _cut(order: Rows, sources: Rows, targets: Rows, budget: int) -> list[Rows]:
    batches: list[Rows] = []
    start, longest_source, longest_target = 0, 0, 0
    for i, (source, target) in enumerate(zip(sources[order].tolist(), targets[order].tolist(), strict=True)):
        wider_source, wider_target = max(longest_source, source), max(longest_target, target)
        if (i - start + 1) * (wider_source + wider_target) > budget:
            batches.append(order[start:i])
            start, wider_source, wider_target = i, source, target
        longest_source, longest_target = wider_source, wider_target
    if start < len(order):
        batches.append(order[start:])
    return batches


def _padded(sequences: Sequence[NDArray[np.uint16]], fill: int) -> Rows:
    padded = np.full((len(sequences), max(map(len, sequences))), fill, np.int64)
    for i, sequence in enumerate(sequences):
        padded[i, : len(sequence)] = sequence
    return padded
