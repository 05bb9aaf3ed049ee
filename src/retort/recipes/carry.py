"""Carry prepared data to another machine in one small file, with a share of its rows and spellings.

``python -m retort.recipes.carry pack PREPARED FILE.tar.xz [copies=N] [rows=N]`` there,
``python -m retort.recipes.carry unpack FILE.tar.xz FOLDER`` here. What training reads is carried: token arrays,
vocabulary and manifest; records and evaluation files stay. Needs numpy alone.
"""

import hashlib
import json
import lzma
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.config import apply_override
from retort.data.collate import PreparedFolder, PreparedSplit
from retort.errors import ConfigError, InputFileError, OutputError, UnknownNameError, UsageError
from retort.recipes.entry import run

_TOGETHER = 20_000  # rows that are copied at a time


def pack(prepared: Path, file: Path, *, copies: int | None = None, rows: int | None = None, seed: int = 0) -> Path:
    """Write the training arrays of a prepared folder into one file; return it.

    Args:
        prepared: The folder.
        file: What to write, ``.tar.xz``.
        copies: Keep the first so many spellings of every train row; all by default.
        rows: Keep a seeded sample of so many train rows; all by default.
        seed: Seed of the sample.

    Raises:
        DataError: The folder is damaged.
        ConfigError: There are not so many copies or rows.
        OutputError: The file cannot be written.
    """
    folder = PreparedFolder.open(prepared, verify=True)
    train = folder.split("train")
    copies, rows = copies or train.copies, rows or len(train)
    if not (0 < copies <= train.copies and 0 < rows <= len(train)):
        raise ConfigError(f"{prepared} has {train.copies} copies of {len(train)} rows, not {copies} of {rows}.")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train))[:rows])
    valid = folder.split("valid")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent) as name:
            place, packed = Path(name) / "content", Path(name) / "packed"
            place.mkdir()
            _write(place, "train", train, chosen, copies)
            _write(place, "valid", valid, np.arange(len(valid)), valid.copies)
            (place / "vocabulary.json").write_bytes((prepared / "vocabulary.json").read_bytes())
            _write_manifest(place, folder, copies, rows)
            with tarfile.open(packed, "w:xz") as archive:
                for path in sorted(place.iterdir()):
                    archive.add(path, path.name, filter=_anonymous)
            packed.replace(file)
    except OSError as error:
        raise OutputError(f"cannot write {str(file)!r}: {error.strerror or error}.") from error
    return file


def unpack(file: Path, folder: Path) -> Path:
    """Make the prepared folder that a file holds; return it.

    Raises:
        InputFileError: The file is missing or damaged.
        DataError: Its arrays do not have the checksums of its manifest.
    """
    try:
        with tarfile.open(file, "r:xz") as archive:
            archive.extractall(folder, filter="data")
    except (OSError, tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise InputFileError(f"cannot unpack {str(file)!r}: {error}.") from error
    PreparedFolder.open(folder, verify=True)
    return folder


def _write(place: Path, name: str, split: PreparedSplit, rows: NDArray[np.int64], copies: int) -> None:
    pieces, lengths = [], []
    for start in range(0, len(rows), _TOGETHER):
        tokens, sizes = _sequences(split, rows[start : start + _TOGETHER], copies)
        pieces.append(tokens)
        lengths.append(sizes)
    arrays: dict[str, NDArray[Any]] = {
        "tokens": np.concatenate(pieces),
        "offsets": np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64),
        "tasks": np.asarray(split.tasks)[rows],
    }
    if split.sources is not None:
        arrays["sources"] = np.asarray(split.sources)[rows]
    for part, array in arrays.items():
        np.save(place / f"{name}.{part}.npy", array)


def _sequences(
    split: PreparedSplit, rows: NDArray[np.int64], copies: int
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return the tokens of the first copies of some rows, one sequence after another, and the sequences' lengths."""
    first = 2 * (rows[:, None] * split.copies + np.arange(copies))
    places = np.stack([first, first + 1], -1).ravel()
    starts = np.asarray(split.offsets)[places]
    lengths = np.asarray(split.offsets)[places + 1] - starts
    before = np.cumsum(lengths) - lengths
    return split.tokens[np.repeat(starts - before, lengths) + np.arange(lengths.sum())], lengths


def _write_manifest(place: Path, folder: PreparedFolder, copies: int, rows: int) -> None:
    manifest: Mapping[str, Any] = folder.manifest
    origin = hashlib.sha256((folder.path / "manifest.json").read_bytes()).hexdigest()
    splits = {"train": {"rows": rows}, "valid": dict(manifest["splits"]["valid"])}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(place.iterdir())}
    changed = {"copies": {**manifest["copies"], "train": copies}, "splits": splits, "files": files}
    text = json.dumps({**manifest, **changed, "packed_from": origin}, indent=1, ensure_ascii=False)
    (place / "manifest.json").write_text(text + "\n", "utf-8")


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who packed and when, so that the same folder gives the same bytes."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run(_from_words, "pack PREPARED FILE.tar.xz [copies=N] [rows=N], or unpack FILE.tar.xz FOLDER", 3, arguments)


def _from_words(words: Sequence[str]) -> Path:
    verb, source, target, *options = words
    values: dict[str, Any] = {}
    for option in options:
        apply_override(values, option)
    if verb == "unpack" and not values:
        return unpack(Path(source), Path(target))
    for name, value in values.items():
        if name not in ("copies", "rows", "seed"):
            raise UnknownNameError("option", name, ("copies", "rows", "seed"))
        if not isinstance(value, int):
            raise UsageError(f"{name}={value!r} is not a whole number.")
    if verb != "pack":
        raise UnknownNameError("verb", verb, ("pack", "unpack"))
    return pack(Path(source), Path(target), **values)


if __name__ == "__main__":
    raise SystemExit(main())
