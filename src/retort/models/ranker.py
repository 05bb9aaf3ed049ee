"""Rankers at prediction time: fingerprint -> one hidden layer -> log-probability of every class, in numpy.

A class is a template or a literal answer. The network is Segler and Waller's (Chem. Eur. J. 2017, 23, 5966):
``logits = elu(x W1 + b1) W2 + b2``. On disk the weights are int8 with one float32 scale per output column; in memory
they are float32. No torch, no pickle.

A ranker that reads types has one column per type behind the fingerprint: the share of each type in the row, times a
scale, because one of a few columns must be able to matter beside the fifty bits that are set.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError, OutputError

Floats = NDArray[np.float32]
FORMAT, VERSION = "retort-ranker", 1
_OF_TYPES = ("types", "type_scale", "types_sha256")
CLASS_SMOOTHING = 0.5  # pseudo-count of every reaction class beside a template


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A batch of sparse vectors in compressed-row layout.

    Attributes:
        indptr: int64 [rows + 1]; row i owns the slice ``indptr[i]:indptr[i + 1]`` of the other two.
        indices: int32 [n], columns.
        values: float32 [n].
        width: Number of columns.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: Floats
    width: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def take(self, rows: NDArray[np.int64]) -> "SparseRows":
        """Return the given rows, in the given order."""
        starts, lengths = self.indptr[rows], np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        return SparseRows(indptr, self.indices[places], self.values[places], self.width)

    def beside(self, columns: Floats) -> "SparseRows":
        """Return the rows with further columns [rows, m] behind their own; zeros are not kept."""
        rows, places = np.nonzero(columns)
        owner = np.concatenate([np.repeat(np.arange(len(self)), np.diff(self.indptr)), rows])
        order = np.argsort(owner, kind="stable")
        indices = np.concatenate([self.indices, (self.width + places).astype(np.int32)])[order]
        values = np.concatenate([self.values, columns[rows, places].astype(np.float32)])[order]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(self)))]).astype(np.int64)
        return SparseRows(indptr, indices, values, self.width + columns.shape[1])

    def dense(self) -> Floats:
        """Return the rows as a matrix [rows, width]; repeated columns add up."""
        matrix = np.zeros((len(self), self.width), np.float32)
        np.add.at(matrix, (np.repeat(np.arange(len(self)), np.diff(self.indptr)), self.indices), self.values)
        return matrix


@dataclass(frozen=True, slots=True)
class RankerMeta:
    """What a ranker is and where it came from.

    Attributes:
        task: Name of the task it answers.
        kind: Whether its classes are templates or answers.
        fingerprint: Settings of the fingerprint it reads, as plain values.
        data_sha256: Hash of the training records.
        seed: Seed of the training run.
        training: Further settings of the run, for the record.
        types: How many types it reads beside the fingerprint; 0 for none, and then a file says nothing of types.
        type_scale: What their shares are multiplied by.
        types_sha256: Checksum of the types; empty where its columns are curated classes.
    """

    task: str
    kind: Literal["template", "answer"]
    fingerprint: Mapping[str, Any]
    data_sha256: str
    seed: int
    training: Mapping[str, Any] = field(default_factory=dict)
    types: int = 0
    type_scale: float = 1.0
    types_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return what a file says of it."""
        values = asdict(self)
        return values if self.types else {name: value for name, value in values.items() if name not in _OF_TYPES}


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained network with its classes.

    Attributes:
        meta: What it is.
        w1: [bits + types, hidden], b1: [hidden], w2: [hidden, classes], b2: [classes]: weights, float32.
        classes: Template SMARTS or answer SMILES, one per column of ``w2``.
        counts: int32 [classes], how often each class occurs in the training rows.
        class_counts: int32 [classes, 11], the same split by reaction class 1-10 (column 0: unknown), where known.
    """

    meta: RankerMeta
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    classes: tuple[str, ...]
    counts: NDArray[np.int32]
    class_counts: NDArray[np.int32] | None = None

    def log_probabilities(self, x: Floats, shares: Floats | None = None) -> Floats:
        """Return natural log-probabilities of all classes, [b, classes].

        Args:
            x: Fingerprints [b, bits].
            shares: Of each type in every row [b, types]; none for a ranker that reads no types.

        Raises:
            ModelError: The shares do not fit the types it reads.
        """
        logits: Floats = self.hidden(x, shares) @ self.w2 + self.b2
        return _log_softmax(logits)

    def hidden(self, x: Floats, shares: Floats | None = None) -> Floats:
        """Return the hidden layer, [b, hidden]; arguments and errors as of :meth:`log_probabilities`."""
        linear = (x if shares is None and not self.meta.types else self._beside(x, shares)) @ self.w1 + self.b1
        return np.where(linear > 0, linear, np.expm1(np.minimum(linear, 0)))

    def joint_log_probabilities(self, x: Floats, shares: Floats) -> Floats:
        """Return log p(type | x) p(class | x, type), [b, types, classes], of a network that was told one type a row.

        Args:
            x: Fingerprints [b, bits].
            shares: p(type | x), [b, types].
        """
        alone = np.eye(self.meta.types, dtype=np.float32)
        told = [self.log_probabilities(x, np.repeat(alone[i : i + 1], len(x), axis=0)) for i in range(len(alone))]
        with np.errstate(divide="ignore"):  # a type without probability adds nothing
            return np.stack(told, axis=1) + np.log(shares.astype(np.float32))[:, :, None]

    def _beside(self, x: Floats, shares: Floats | None) -> Floats:
        shape = None if shares is None else shares.shape
        if shares is None or shape != (len(x), self.meta.types):
            raise ModelError(f"the ranker of {self.meta.task} reads {self.meta.types} types, not shares of {shape}.")
        return np.concatenate([x, np.float32(self.meta.type_scale) * shares.astype(np.float32)], axis=1)

    def reweight(self, log_probabilities: Floats, reaction_class: int) -> Floats:
        """Condition on a known reaction class: p(t | x, c) is proportional to p(t | x) p(c | t).

        Args:
            log_probabilities: [classes] of one query.
            reaction_class: 1-10; without class counts, or for a class never seen, nothing changes.
        """
        if self.class_counts is None or not self.class_counts[:, reaction_class].any():
            return log_probabilities
        known = self.class_counts[:, 1:].sum(axis=1)
        likelihood = (self.class_counts[:, reaction_class] + CLASS_SMOOTHING / 10) / (known + CLASS_SMOOTHING)
        return _log_softmax((log_probabilities + np.log(likelihood)).astype(np.float32))

    def save(self, path: Path) -> None:
        """Write the quantised network; raises OutputError where the file cannot be written."""
        q1, s1 = quantize(self.w1)
        q2, s2 = quantize(self.w2)
        meta = {"format": FORMAT, "version": VERSION, **self.meta.as_dict(), "classes": len(self.classes)}
        arrays: dict[str, Any] = {"w1": q1, "s1": s1, "b1": self.b1, "w2": q2, "s2": s2, "b2": self.b2}
        arrays |= {"classes": _to_bytes("\n".join(self.classes)), "counts": self.counts}
        arrays |= {} if self.class_counts is None else {"class_counts": self.class_counts}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, meta=_to_bytes(json.dumps(meta)), **arrays)
        except OSError as error:
            raise OutputError(f"cannot write the ranker {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """Read a ranker file.

        Raises:
            ModelError: The file is missing, damaged, of another format or inconsistent in itself.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return _from_arrays({name: arrays[name] for name in arrays.files}, path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"cannot read the ranker {str(path)!r}: {error}.", "Fetch or train it again.") from error


def log_sum(joint: Floats) -> Floats:
    """Return log-probabilities [b, classes] of a mixture whose parts are ``joint`` [b, types, classes]."""
    highest = joint.max(axis=1)
    mixed: Floats = highest + np.log(np.exp(joint - highest[:, None]).sum(axis=1))
    return mixed


def top_k(scores: Floats, k: int) -> NDArray[np.int64]:
    """Return the indices [b, min(k, n)] of the largest entries of every row [b, n], best first, ties by index."""
    k = min(k, scores.shape[1])
    nearest = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, nearest, axis=1), axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1)


def quantize(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return int8 weights and one scale per column, so that ``weights`` is about ``int8 * scale``."""
    scale = np.maximum(np.abs(weights).max(axis=0), np.float32(1e-12)).astype(np.float32) / np.float32(127)
    return np.rint(weights / scale).astype(np.int8), scale


def _from_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> Ranker:
    meta = json.loads(_to_text(arrays["meta"]))
    if (meta.pop("format"), meta.pop("version")) != (FORMAT, VERSION):
        raise ModelError(f"{str(path)!r} is not a {FORMAT} file of version {VERSION}.")
    count = meta.pop("classes")
    classes = tuple(_to_text(arrays["classes"]).split("\n"))
    w1, w2 = (arrays[f"w{i}"].astype(np.float32) * arrays[f"s{i}"] for i in (1, 2))
    shapes = [w1.shape, arrays["b1"].shape, w2.shape, arrays["b2"].shape, arrays["counts"].shape]
    bits, hidden = meta["fingerprint"]["bits"] + meta.get("types", 0), len(arrays["b1"])
    if shapes != [(bits, hidden), (hidden,), (hidden, count), (count,), (count,)] or len(classes) != count:
        raise ModelError(f"the arrays of {str(path)!r} do not fit each other: {shapes}.", "Fetch or train it again.")
    b1, b2, counts = arrays["b1"], arrays["b2"], arrays["counts"]
    return Ranker(RankerMeta(**meta), w1, b1, w2, b2, classes, counts, arrays.get("class_counts"))


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal


def _to_bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _to_text(array: NDArray[np.uint8]) -> str:
    return array.tobytes().decode()
