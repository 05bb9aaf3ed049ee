"""The training rows that a baseline answers from: gathered from records, kept in one ``.npz`` file, never learned from.

The file holds answers of training rows as they are, so it is made locally and is not part of a release.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, ModelError, OutputError
from retort.evaluation.baselines import BYTES, fingerprint, popular
from retort.prompting.task import TASKS

Nearest = Literal["nearest_reaction", "nearest_molecule", "nearest_text"]
Kind = Literal["popularity", Nearest, "nearest_template"]
NEAREST: tuple[Nearest, ...] = get_args(Nearest)
KINDS: tuple[Kind, ...] = ("popularity", *NEAREST, "nearest_template")
FORMAT, VERSION = "retort-baseline", 1
POPULAR = 1000  # answers that popularity keeps


@dataclass(frozen=True, slots=True)
class TrainingAnswers:
    """Answers of training rows, and the questions they belong to.

    Attributes:
        kind: Which baseline they serve.
        task: Name of the task.
        rows: Number of training rows.
        texts: Distinct answers, canonical, or distinct templates; most frequent first.
        counts: int64 [texts], rows that have each.
        which: int32 [rows], the text of each row; empty for popularity.
        bits: uint8 [rows, 256], the packed fingerprint of each row's question; empty for popularity.
    """

    kind: Kind
    task: str
    rows: int
    texts: tuple[str, ...]
    counts: NDArray[np.int64]
    which: NDArray[np.int32]
    bits: NDArray[np.uint8]

    @classmethod
    def gather(cls, kind: Kind, task: str, pairs: Sequence[tuple[str, str]]) -> Self:
        """Take ``(question, answer)`` of training rows, canonical; the answer is a template for nearest_template.

        Raises:
            DataError: There are no rows.
            ChemistryError: A question cannot be read.
        """
        if not pairs:
            raise DataError(f"the baseline {kind} has no training rows for {task}.")
        if kind == "popularity" and TASKS.get(task).answer_kind == "value":  # of numbers, their mean
            mean = repr(float(np.mean([float(text) for _, text in pairs])))
            pairs = [(given, mean) for given, _ in pairs]
        ranked = popular(text for _, text in pairs)[: POPULAR if kind == "popularity" else None]
        texts, counts = tuple(text for text, _ in ranked), np.array([n for _, n in ranked], np.int64)
        if kind == "popularity":
            return cls(kind, task, len(pairs), texts, counts, np.zeros(0, np.int32), np.zeros((0, BYTES), np.uint8))
        place = {text: i for i, text in enumerate(texts)}
        which = np.array([place[text] for _, text in pairs], np.int32)
        return cls(kind, task, len(pairs), texts, counts, which, np.stack([fingerprint(given) for given, _ in pairs]))

    def save(self, path: Path) -> None:
        """Write the file; raises OutputError where that is not possible."""
        meta = {"format": FORMAT, "version": VERSION, "kind": self.kind, "task": self.task, "rows": self.rows}
        arrays: dict[str, Any] = {"counts": self.counts, "which": self.which, "bits": self.bits}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, meta=_bytes(json.dumps(meta)), texts=_bytes("\n".join(self.texts)), **arrays)
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path, kind: Kind) -> Self:
        """Read the file of a baseline.

        Raises:
            ModelError: It is missing, damaged, inconsistent or serves another baseline.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = cls._from_arrays({name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"cannot read the baseline {str(path)!r}: {error}.", "Make it again.") from error
        if found.kind != kind:
            raise ModelError(f"{str(path)!r} serves the baseline {found.kind}, not {kind}.")
        return found

    @classmethod
    def _from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        meta = json.loads(_text(arrays["meta"]))
        if (meta.pop("format"), meta.pop("version")) != (FORMAT, VERSION):
            raise ValueError(f"it is no {FORMAT} file of version {VERSION}")
        texts, counts, which, bits = (
            _text(arrays["texts"]).split("\n"),
            *(arrays[n] for n in ("counts", "which", "bits")),
        )
        rows = 0 if meta["kind"] == "popularity" else meta["rows"]
        fits = counts.shape == (len(texts),) and which.shape == (rows,) and bits.shape == (rows, BYTES)
        if not fits or bits.dtype != np.uint8 or (rows and not 0 <= which.min() <= which.max() < len(texts)):
            raise ValueError("its arrays do not fit each other")
        return cls(**meta, texts=tuple(texts), counts=counts, which=which, bits=bits)


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _text(array: NDArray[np.uint8]) -> str:
    return array.tobytes().decode()
