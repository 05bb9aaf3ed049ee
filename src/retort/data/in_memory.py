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


TaskRows: TypeAlias = "Mapping[str, Sequence[Row]]"


def write_folder(folder: Path, vocabulary: Vocabulary, splits: Mapping[str, TaskRows], **facts: object) -> None:
    """Write rows of one task or several into an existing folder; the manifest last.

    Args:
        folder: Where.
        vocabulary: Of their tokens.
        splits: ``train`` and ``valid``, each task -> rows of source and target ids in k spellings, ended by ``</s>``;
            tasks keep the order in which they are first named.
        facts: What else the manifest says.

    Raises:
        DataError: A split has no rows, or rows with different numbers of spellings.
    """
    tasks = list(dict.fromkeys(task for by_task in splits.values() for task in by_task))
    copies = {name: _write_split(folder, name, by_task, tasks) for name, by_task in splits.items()}
    vocabulary.save(folder / "vocabulary.json")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "copies": copies,
        "tasks": tasks,
        "vocabulary_sha256": vocabulary.sha256,
        "splits": {name: {"rows": sum(map(len, by_task.values()))} for name, by_task in splits.items()},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())},
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _write_split(folder: Path, name: str, by_task: TaskRows, tasks: Sequence[str]) -> int:
    """Write the arrays of one split; return the number of spellings."""
    rows = [row for task in tasks for row in by_task.get(task, ())]
    numbers = [number for number, task in enumerate(tasks) for _ in by_task.get(task, ())]
    copies = {len(row) for row in rows}
    if len(copies) != 1:
        raise DataError(f"the rows of {name!r} have {sorted(copies) or 'no'} spellings.", "Give each as many.")
    sequences = [np.asarray(ids, np.uint16) for row in rows for pair in row for ids in pair]
    np.save(folder / f"{name}.tokens.npy", np.concatenate(sequences))
    np.save(folder / f"{name}.offsets.npy", np.cumsum([0, *map(len, sequences)]).astype(np.int64))
    np.save(folder / f"{name}.tasks.npy", np.array(numbers, np.uint8))
    return copies.pop()
