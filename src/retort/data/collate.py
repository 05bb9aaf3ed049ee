"""Prepared folders as training batches: memory-mapped tokens, padded tensors; tensors begin here.

Needs numpy and torch alone, so that training runs where RDKit and polars are absent. Rows of the pseudo
task ``span_denoising`` are stored whole and corrupted here (:mod:`retort.data.spans`); all lengths are those after it.

Legend: ``b`` examples of a batch, ``s`` source tokens, ``t`` target tokens.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retort.data.spans import SPAN_DENOISING, corrupt, corrupted_lengths
from retort.errors import DataError, UnknownNameError
from retort.prompting.vocabulary import SENTINELS, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

FORMAT, VERSION = "retort-prepared", 1
PAD_ID, IGNORED = 0, -100
Rows = NDArray[np.int64]
Number = TypeVar("Number", int, Rows)


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
        sources: Index into ``source_names`` of each row, uint8 [rows]; None in folders that do not keep it.
        source_weights: The folder's own weights of sources, 1.0 where not named.
        sentinels: Ids of the tokens that mark spans, of which ``span_denoising`` needs some; uint16.
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    tasks: NDArray[np.uint8]
    task_names: tuple[str, ...]
    copies: int
    sources: NDArray[np.uint8] | None = None
    source_names: tuple[str, ...] = ()
    source_weights: Mapping[str, float] = field(default_factory=dict)
    sentinels: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def denoised(self) -> int:
        """Index of the pseudo task whose rows are corrupted, -1 where there is none."""
        return self.task_names.index(SPAN_DENOISING) if SPAN_DENOISING in self.task_names else -1

    def pair(self, row: int, epoch: int = 0, seed: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return the source and target ids of a row in the spelling of an epoch; both end in ``</s>``.

        Row ``r`` is read in copy ``(r + e) mod copies`` in epoch ``e``: every epoch holds all kinds of copies, and a
        row has shown each of its copies after ``copies`` epochs. The seed counts for denoised rows alone.
        """
        first = 2 * (row * self.copies + (row + epoch) % self.copies)
        start, middle, end = self.offsets[first : first + 3]
        if self.tasks[row] == self.denoised:
            return corrupt(self.tokens[start:middle], self.sentinels, seed, epoch, row)
        return self.tokens[start:middle], self.tokens[middle:end]

    def lengths(self, epoch: int = 0, rows: Rows | None = None) -> tuple[Rows, Rows]:
        """Return the source and target lengths of rows (all by default) in the spelling of an epoch, in tokens.

        Those of denoised rows are the exact ones after corruption, whatever the seed.
        """
        chosen = np.arange(len(self)) if rows is None else rows
        first = 2 * (chosen * self.copies + (chosen + epoch) % self.copies)
        starts = np.asarray(self.offsets)
        sources, targets = starts[first + 1] - starts[first], starts[first + 2] - starts[first + 1]
        noisy = np.asarray(self.tasks)[chosen] == self.denoised
        if noisy.any():
            sources[noisy], targets[noisy] = corrupted_lengths(sources[noisy], len(self.sentinels))
        return sources, targets


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
        sources, names = self._sources(name), tuple(self.manifest.get("sources", ()))
        fits = len(offsets) == 2 * len(tasks) * copies + 1 and offsets[-1] == len(tokens)
        if not fits or (sources is not None and (len(sources) != len(tasks) or max(sources, default=0) >= len(names))):
            raise DataError(f"the arrays of split {name!r} of {str(self.path)!r} do not fit together.")
        tasks_named = tuple(self.manifest["tasks"])
        weights = dict(self.manifest.get("source_weights", {}))
        return PreparedSplit(
            tokens, offsets, tasks, tasks_named, copies, sources, names, weights, self._sentinels(tasks_named)
        )

    def _sources(self, split: str) -> NDArray[np.uint8] | None:
        path = self.path / f"{split}.sources.npy"
        if not path.exists() or "sources" not in self.manifest:
            return None
        try:
            return np.asarray(np.load(path))
        except (OSError, ValueError) as error:
            raise DataError(f"split {split!r} of {str(self.path)!r} cannot be read: {error}.") from error

    def _sentinels(self, tasks: tuple[str, ...]) -> NDArray[np.uint16]:
        """Return the ids of the sentinels where a task needs them."""
        if SPAN_DENOISING not in tasks:
            return np.empty(0, np.uint16)
        ids = Vocabulary.load(self.path / "vocabulary.json").ids
        missing = [token for token in SENTINELS if token not in ids]
        if missing:
            raise DataError(f"the vocabulary of {str(self.path)!r} lacks {missing[0]}, which {SPAN_DENOISING} needs.")
        return np.array([ids[token] for token in SENTINELS], np.uint16)


def collate(
    split: PreparedSplit, rows: Sequence[int] | Rows, epoch: int = 0, *, seed: int = 0, multiple: int = 1
) -> Batch:
    """Pad the rows of a batch to its longest source and target, rounded up to a multiple."""
    import torch

    chosen = np.asarray(rows, np.int64)
    if (np.asarray(split.tasks)[chosen] == split.denoised).any():
        pairs = [split.pair(row, epoch, seed) for row in chosen.tolist()]
        sides = [(np.concatenate(side), np.array([len(ids) for ids in side])) for side in zip(*pairs, strict=True)]
    else:
        sides = [_stored(split, chosen, epoch, side) for side in (0, 1)]
    source, labels = (_padded(*side, fill, multiple) for side, fill in zip(sides, (PAD_ID, IGNORED), strict=True))
    tensor = torch.from_numpy(source)
    return Batch(tensor, (tensor != PAD_ID).long(), torch.from_numpy(labels), len(sides[0][0]) + len(sides[1][0]))


def rounded_up(number: Number, multiple: int) -> Number:
    """Return the next multiple."""
    return -(-number // multiple) * multiple


def _stored(split: PreparedSplit, rows: Rows, epoch: int, side: int) -> tuple[NDArray[np.uint16], Rows]:
    """Return the stored sources (side 0) or targets (1) of rows, one after another, and their lengths."""
    place = 2 * (rows * split.copies + (rows + epoch) % split.copies) + side
    starts = np.asarray(split.offsets)[place]
    lengths = np.asarray(split.offsets)[place + 1] - starts
    return split.tokens[np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())], lengths


def _padded(tokens: NDArray[np.uint16], lengths: Rows, fill: int, multiple: int) -> Rows:
    """Lay sequences, given one after another, into rows of the longest's length, rounded up."""
    width = rounded_up(int(lengths.max()), multiple)
    padded = np.full((len(lengths), width), fill, np.int64)
    padded[np.arange(width) < lengths[:, None]] = tokens
    return padded
