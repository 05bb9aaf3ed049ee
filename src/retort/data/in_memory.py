"""Prepared folders from rows in memory: for small studies that write their own prompts.

What is written reads like any other prepared folder (:mod:`retort.data.collate`). Needs numpy alone.

Legend: ``k`` copies of a row.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retort.data.collate import FORMAT, VERSION
from retort.errors import DataError
from retort.prompting.vocabulary import Vocabulary

Ids: TypeAlias = "Sequence[int] | NDArray[np.integer[Any]]"
Row: TypeAlias = "Sequence[tuple[Ids, Ids]]"


def write_folder(
    folder: Path, task: str, vocabulary: Vocabulary, splits: Mapping[str, Sequence[Row]], **facts: object
) -> None:
    """Write rows of one task into an existing folder; the manifest last.

    Args:
        folder: Where.
        task: Their task.
        vocabulary: Of their tokens.
        splits: ``train`` and ``valid``, each with rows of source and target ids in k spellings, ended by ``</s>``.
        facts: What else the manifest says.

    Raises:
        DataError: A split has no rows, or rows with different numbers of spellings.
    """
    copies = {name: _write_split(folder, name, rows) for name, rows in splits.items()}
    vocabulary.save(folder / "vocabulary.json")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "copies": copies,
        "tasks": [task],
        "vocabulary_sha256": vocabulary.sha256,
        "splits": {n: {"rows": len(rows)} for n, rows in splits.items()},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())},
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _write_split(folder: Path, name: str, rows: Sequence[Row]) -> int:
    """Write the arrays of one split; return the number of spellings."""
    copies = {len(row) for row in rows}
    if len(copies) != 1:
        raise DataError(f"the rows of {name!r} have {sorted(copies) or 'no'} spellings.", "Give each as many.")
    sequences = [np.asarray(ids, np.uint16) for row in rows for pair in row for ids in pair]
    np.save(folder / f"{name}.tokens.npy", np.concatenate(sequences))
    np.save(folder / f"{name}.offsets.npy", np.cumsum([0, *map(len, sequences)]).astype(np.int64))
    np.save(folder / f"{name}.tasks.npy", np.zeros(len(rows), np.uint8))
    return copies.pop()
