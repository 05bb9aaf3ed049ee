"""Join prepared folders into one, so that some rows have many copies and others few.

``python -m retort.recipes.joined FOLDER FOLDER... OUTPUT``. Rows of a task and source are those of the last folder that
has any. Every row gets as many copies as the richest folder has; one with fewer repeats its own in turn. Valid rows are
those of the first folder, and vocabularies are the same. Needs numpy alone.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.data.collate import PreparedFolder, PreparedSplit
from retort.errors import DataError, OutputError
from retort.recipes.carry import sequences
from retort.recipes.entry import run

_TOGETHER = 5_000  # rows that are copied at a time
_VALID = ("valid.tokens.npy", "valid.offsets.npy", "valid.tasks.npy", "valid.sources.npy", "vocabulary.json")
Kept = tuple[PreparedSplit, NDArray[np.int64]]


def join(folders: Sequence[Path], output: Path) -> Path:
    """Write the joined folder; return it.

    Raises:
        DataError: A folder is damaged, does not keep the sources of its rows, or has another vocabulary.
        OutputError: The output exists or cannot be written.
    """
    opened = [PreparedFolder.open(folder) for folder in folders]
    if output.exists():
        raise OutputError(f"{str(output)!r} exists.", "Choose another output.")
    for folder in opened:
        if folder.manifest["vocabulary_sha256"] != opened[0].manifest["vocabulary_sha256"]:
            raise DataError(f"{str(folder.path)!r} has another vocabulary than {str(opened[0].path)!r}.")
    tasks, sources = (_union(opened, key) for key in ("tasks", "sources"))
    splits = [folder.split("train") for folder in opened]
    kept = [(split, rows) for split, rows in zip(splits, _rows(opened, splits), strict=True) if len(rows)]
    copies = max(split.copies for split, _ in kept)
    try:
        output.mkdir(parents=True)
        _write_sequences(output, kept, copies)
        found = [_renumbered(split.tasks, rows, split.task_names, tasks) for split, rows in kept]
        np.save(output / "train.tasks.npy", np.concatenate(found))
        found = [_renumbered(np.asarray(split.sources), rows, split.source_names, sources) for split, rows in kept]
        np.save(output / "train.sources.npy", np.concatenate(found))
        for name in _VALID:
            (output / name).write_bytes((opened[0].path / name).read_bytes())
        _write_manifest(output, opened, {"train": copies}, sum(len(rows) for _, rows in kept), (tasks, sources))
    except OSError as error:
        raise OutputError(f"cannot write {str(output)!r}: {error.strerror or error}.") from error
    return output


def _union(folders: Sequence[PreparedFolder], key: str) -> list[str]:
    return list(dict.fromkeys(name for folder in folders for name in folder.manifest.get(key, ())))


def _rows(folders: Sequence[PreparedFolder], splits: Sequence[PreparedSplit]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each folder that no later one replaces."""
    pairs = [_pairs(folder, split) for folder, split in zip(folders, splits, strict=True)]
    for place, own in enumerate(pairs):
        later = {pair for others in pairs[place + 1 :] for pair in set(others)}
        yield np.array([row for row, pair in enumerate(own) if pair not in later], np.int64)


def _pairs(folder: PreparedFolder, split: PreparedSplit) -> list[tuple[str, str]]:
    """Return task and source of every row."""
    if split.sources is None:
        raise DataError(f"{str(folder.path)!r} does not keep the sources of its rows.", "Prepare it again.")
    tasks, sources = np.asarray(split.tasks).tolist(), np.asarray(split.sources).tolist()
    return [(split.task_names[task], split.source_names[source]) for task, source in zip(tasks, sources, strict=True)]


def _renumbered(
    numbers: NDArray[np.uint8], rows: NDArray[np.int64], own: Sequence[str], joined: Sequence[str]
) -> NDArray[np.uint8]:
    """Return what rows have among their folder's own names as places among the joined ones."""
    place = np.array([joined.index(name) for name in own], np.uint8)
    found: NDArray[np.uint8] = place[np.asarray(numbers)[rows]]
    return found


def _write_sequences(output: Path, kept: Sequence[Kept], copies: int) -> None:
    lengths = [_lengths(split, rows, copies) for split, rows in kept]
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    np.save(output / "train.offsets.npy", offsets)
    place = 0
    tokens = np.lib.format.open_memmap(output / "train.tokens.npy", "w+", np.uint16, (int(offsets[-1]),))
    for split, rows in kept:
        for start in range(0, len(rows), _TOGETHER):
            found, _ = sequences(split, rows[start : start + _TOGETHER], np.arange(copies) % split.copies)
            tokens[place : place + len(found)] = found
            place += len(found)
    tokens.flush()


def _lengths(split: PreparedSplit, rows: NDArray[np.int64], copies: int) -> NDArray[np.int64]:
    """Return the lengths of all sequences of rows, source and target in turn."""
    first = 2 * (rows[:, None] * split.copies + np.arange(copies) % split.copies)
    places = np.stack([first, first + 1], -1).ravel()
    offsets = np.asarray(split.offsets)
    found: NDArray[np.int64] = offsets[places + 1] - offsets[places]
    return found


def _write_manifest(
    output: Path,
    folders: Sequence[PreparedFolder],
    copies: dict[str, int],
    rows: int,
    names: tuple[list[str], list[str]],
) -> None:
    first: dict[str, Any] = dict(folders[0].manifest)
    files = {path.name: _sha256(path) for path in sorted(output.iterdir())}
    origins = [_sha256(folder.path / "manifest.json") for folder in folders]
    weights = dict.fromkeys(names[1], 1.0)
    for folder in folders:
        weights |= folder.manifest.get("source_weights", {})
    changed = {
        "tasks": names[0],
        "sources": names[1],
        "source_weights": weights,
        "copies": {**first["copies"], **copies},
        "splits": {"train": {"rows": rows}, "valid": dict(first["splits"]["valid"])},
        "files": files,
        "joined_from": origins,
    }
    (output / "manifest.json").write_text(
        json.dumps({**first, **changed}, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_words(words: Sequence[str]) -> Path:
    *folders, output = words
    return join([Path(folder) for folder in folders], Path(output))


if __name__ == "__main__":
    raise SystemExit(run(_from_words, "FOLDER FOLDER... OUTPUT", 3))
