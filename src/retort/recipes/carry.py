"""Carry prepared data to another machine in one small file, with a share of its rows and spellings.

``python -m retort.recipes.carry pack PREPARED FILE.tar.xz [KEY=VALUE]...`` there, with the keys of :class:`Share`;
``python -m retort.recipes.carry unpack FILE.tar.xz FOLDER`` here. What training reads is carried: token arrays,
vocabulary and manifest; records and evaluation files stay. Needs numpy alone.
"""

import hashlib
import json
import lzma
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.config import apply_override, build, option
from retort.data.collate import PreparedFolder, PreparedSplit
from retort.errors import ConfigError, InputFileError, OutputError, UnknownNameError
from retort.recipes.entry import run

_TOGETHER = 20_000  # rows that are copied at a time


@dataclass(frozen=True)
class Share:
    """Which train rows are carried, in which of their spellings; everything by default."""

    copies: int | None = option(None, help="carry this many spellings of every row")
    skip: int = option(0, help="begin with the spelling after this many")
    rows: int | None = option(None, help="carry a seeded sample of this many rows")
    seed: int = option(0, help="seed of the sample")
    tasks: tuple[str, ...] = option((), help="carry rows of these tasks alone")
    sources: tuple[str, ...] = option((), help="carry rows of these sources alone")


def pack(prepared: Path, file: Path, share: Share | None = None) -> Path:
    """Write the training arrays of a prepared folder, or a share of them, into one file ``.tar.xz``; return it.

    Raises:
        DataError: The folder is damaged.
        ConfigError: There are not so many copies or rows.
        UnknownNameError: The folder has no such task or source.
        OutputError: The file cannot be written.
    """
    folder = PreparedFolder.open(prepared, verify=True)
    share, train, valid = share or Share(), folder.split("train"), folder.split("valid")
    copies = range(share.skip, train.copies if share.copies is None else share.skip + share.copies)
    if not (0 <= copies.start < copies.stop <= train.copies):
        raise ConfigError(f"{prepared} has {train.copies} copies of a row, not {copies.stop}.")
    chosen = _chosen(prepared, train, share)
    try:
        with tempfile.TemporaryDirectory(dir=file.parent) as name:
            place, packed = Path(name) / "content", Path(name) / "packed"
            place.mkdir()
            write_rows(place, "train", train, chosen, copies)
            write_rows(place, "valid", valid, np.arange(len(valid)), range(valid.copies))
            (place / "vocabulary.json").write_bytes((prepared / "vocabulary.json").read_bytes())
            write_manifest(place, folder, len(copies), len(chosen))
            with tarfile.open(packed, "w:xz", preset=9) as archive:
                for path in sorted(place.iterdir()):
                    archive.add(path, path.name, filter=_anonymous)
            packed.replace(file)
    except OSError as error:
        raise OutputError(f"cannot write {str(file)!r}: {error.strerror or error}.") from error
    return file


def _chosen(prepared: Path, train: PreparedSplit, share: Share) -> NDArray[np.int64]:
    """Return the rows to carry, in rising order."""
    kept = np.ones(len(train), bool)
    if share.tasks:
        kept &= np.isin(train.tasks, _places("task", share.tasks, train.task_names))
    if share.sources:
        if train.sources is None:
            raise ConfigError(f"{prepared} does not know the sources of its rows.")
        kept &= np.isin(train.sources, _places("source", share.sources, train.source_names))
    found = np.flatnonzero(kept)
    rows = len(found) if share.rows is None else share.rows
    if not 0 < rows <= len(found):
        raise ConfigError(f"{prepared} has {len(found)} such rows, not {rows}.")
    return np.sort(np.random.default_rng(share.seed).permutation(found)[:rows])


def _places(kind: str, names: Sequence[str], known: Sequence[str]) -> list[int]:
    for name in names:
        if name not in known:
            raise UnknownNameError(kind, name, known)
    return [known.index(name) for name in names]


def _harmless(member: tarfile.TarInfo) -> bool:
    """Whether a member is a file or folder below the place where it is unpacked."""
    inside = not Path(member.name).is_absolute() and ".." not in Path(member.name).parts
    return inside and (member.isfile() or member.isdir())


def unpack(file: Path, folder: Path) -> Path:
    """Make the prepared folder that a file holds; return it.

    Raises:
        InputFileError: The file is missing or damaged.
        DataError: Its arrays do not have the checksums of its manifest.
    """
    try:
        with tarfile.open(file, "r:xz") as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # absent before Python 3.11.4
            if not all(map(_harmless, archive.getmembers())):
                raise InputFileError(f"{str(file)!r} holds what is no plain file within it.", "Pack the folder again.")
            archive.extractall(folder)
    except (OSError, tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise InputFileError(f"cannot unpack {str(file)!r}: {error}.") from error
    PreparedFolder.open(folder, verify=True)
    return folder


def write_rows(place: Path, name: str, split: PreparedSplit, rows: NDArray[np.int64], copies: range) -> None:
    """Write the arrays of some rows of a split, in some of their spellings, into a folder."""
    pieces, lengths = [], []
    for start in range(0, len(rows), _TOGETHER):
        tokens, sizes = sequences(split, rows[start : start + _TOGETHER], np.asarray(copies))
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


def sequences(
    split: PreparedSplit, rows: NDArray[np.int64], copies: NDArray[np.int64]
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return the tokens of some copies of some rows, one sequence after another, and the sequences' lengths."""
    first = 2 * (rows[:, None] * split.copies + copies)
    places = np.stack([first, first + 1], -1).ravel()
    starts = np.asarray(split.offsets)[places]
    lengths = np.asarray(split.offsets)[places + 1] - starts
    before = np.cumsum(lengths) - lengths
    return split.tokens[np.repeat(starts - before, lengths) + np.arange(lengths.sum())], lengths


def write_manifest(place: Path, folder: PreparedFolder, copies: int, rows: int) -> None:
    """Write the manifest of a part of a folder, last: so many copies and train rows, all valid rows."""
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
    return run(_from_words, "pack PREPARED FILE.tar.xz [KEY=VALUE]..., or unpack FILE.tar.xz FOLDER", 3, arguments)


def _from_words(words: Sequence[str]) -> Path:
    verb, source, target, *options = words
    if verb == "unpack" and not options:
        return unpack(Path(source), Path(target))
    if verb != "pack":
        raise UnknownNameError("verb", verb, ("pack", "unpack"))
    values: dict[str, Any] = {}
    for text in options:
        apply_override(values, text)
    return pack(Path(source), Path(target), build(Share, values, "the command line"))


if __name__ == "__main__":
    raise SystemExit(main())
