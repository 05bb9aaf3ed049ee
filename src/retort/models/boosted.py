"""Boosted trees that tell classes apart (one ensemble per class, and the softmax of their sums) or say a number.

Friedman, Annals of Statistics 2001, 29, 1189. Grown by :mod:`retort.training.boosted`, computed by numpy. Trees look at
whole numbers, the counts of a fingerprint, so that thresholds are whole numbers as well.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError, OutputError
from retort.models.trees import Forest

FORMAT, VERSION = "retort-boosted-classes", 1
VALUES = "retort-boosted-values"
_TYPES = {"feature": np.int16, "threshold": np.int16, "left": np.int32, "right": np.int32, "value": np.float32}


@dataclass(frozen=True, slots=True)
class ModelMeta:
    """What a model on fingerprints is and where it came from.

    Attributes:
        task: Name of the task it answers.
        fingerprint: Settings of the fingerprint it reads, as plain values.
        data_sha256: Hash of the questions and answers it learned from.
        seed: Of the training run.
        rows: Number of train rows.
        training: Further settings of the run, for the record.
    """

    task: str
    fingerprint: Mapping[str, Any]
    data_sha256: str
    seed: int
    rows: int
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BoostedClasses:
    """Trained trees with their classes.

    Attributes:
        meta: What they are.
        classes: Text of each class.
        columns: Bits of the fingerprint that the trees look at, int32 [f]; they know no others.
        forest: Trees over those columns; those of the classes take turns.
    """

    meta: ModelMeta
    classes: tuple[str, ...]
    columns: NDArray[np.int32]
    forest: Forest

    def log_probabilities(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Return natural log-probabilities [n, classes] of rows whose fingerprints have these counts [n, bits]."""
        said = self.forest.leaves(counts[:, self.columns])  # [trees, n]
        logits = said.reshape(-1, len(self.classes), len(counts)).sum(0).T
        found: NDArray[np.float64] = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return found

    def save(self, path: Path) -> None:
        """Write one file; raises OutputError where that is not possible."""
        meta = {**asdict(self.meta), "classes": self.classes}
        write_model(path, FORMAT, VERSION, meta, {**_small(self.forest), "columns": self.columns})

    @classmethod
    def load(cls, path: Path) -> "BoostedClasses":
        """Read a file; raises ModelError where it is missing, damaged, of another kind or inconsistent in itself."""
        meta, arrays = read_model(path, FORMAT, VERSION)
        try:
            classes, columns = tuple(meta.pop("classes")), arrays.pop("columns")
            found = cls(ModelMeta(**meta), classes, columns, Forest.of_arrays(arrays, len(columns)))
            if len(found.forest.roots) % len(classes) or columns.max() >= found.meta.fingerprint["bits"]:
                raise ValueError("the trees do not fit the classes or the fingerprint")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"cannot use the model {str(path)!r}: {error}.", "Fetch or train it again.") from error
        return found


@dataclass(frozen=True, slots=True)
class BoostedValues:
    """Trained trees that say a number.

    Attributes:
        meta: What they are.
        columns: As in :class:`BoostedClasses`.
        forest: Trees over those columns.
    """

    meta: ModelMeta
    columns: NDArray[np.int32]
    forest: Forest

    def values(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Return the numbers [n] of rows whose fingerprints have these counts [n, bits]."""
        return self.forest.scores(counts[:, self.columns])

    def save(self, path: Path) -> None:
        """Write one file; raises OutputError where that is not possible."""
        write_model(path, VALUES, VERSION, asdict(self.meta), {**_small(self.forest), "columns": self.columns})

    @classmethod
    def load(cls, path: Path) -> "BoostedValues":
        """Read a file; raises ModelError where it is missing, damaged, of another kind or inconsistent in itself."""
        meta, arrays = read_model(path, VALUES, VERSION)
        try:
            columns = arrays.pop("columns")
            found = cls(ModelMeta(**meta), columns, Forest.of_arrays(arrays, len(columns)))
            if columns.max() >= found.meta.fingerprint["bits"]:
                raise ValueError("the trees do not fit the fingerprint")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"cannot use the model {str(path)!r}: {error}.", "Fetch or train it again.") from error
        return found


def _small(forest: Forest) -> dict[str, NDArray[Any]]:
    return {name: array.astype(_TYPES.get(name, array.dtype)) for name, array in forest.arrays().items()}


def write_model(path: Path, kind: str, version: int, meta: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write arrays with what is said of them; raises OutputError where the file cannot be written."""
    said = np.frombuffer(json.dumps({"format": kind, "version": version, **meta}).encode(), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, meta=said, **arrays)
    except OSError as error:
        raise OutputError(f"cannot write the model {str(path)!r}: {error.strerror}.") from error


def read_model(path: Path, kind: str, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what :func:`write_model` wrote: what is said of the arrays, and the arrays.

    Raises:
        ModelError: The file is missing, damaged, or of another kind or version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta: dict[str, Any] = json.loads(arrays.pop("meta").tobytes())
        found = (meta.pop("format"), meta.pop("version"))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"cannot read the model {str(path)!r}: {error}.", "Fetch or train it again.") from error
    if found != (kind, version):
        raise ModelError(f"{str(path)!r} is not a {kind} file of version {version}.")
    return meta, arrays
