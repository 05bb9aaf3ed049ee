"""What a source is: a card that says where data come from, and a reader of its files."""

import gzip
import hashlib
import io
import lzma
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from retort.data.records import SourceRow
from retort.errors import DataError, InputFileError
from retort.registry import Registry

ROOT_VARIABLE = "RETORT_DATA"

RowKind = Literal["reactions", "molecules", "texts"]
"""What the rows of a source are: ``RawRow``, ``MoleculeRow`` or ``TextRow``."""


@dataclass(frozen=True, slots=True)
class Source:
    """A published data set, or a kind of user file.

    Attributes:
        name: Name of the file in ``sources/``.
        title: One line for lists.
        origin: Where the published original lives, and who made it.
        licence: Licence of the data.
        files: Path below the data root -> SHA-256, empty for user files.
        read: Yields the rows of the files in order; ``read(path)`` gets the data root, or the user's file.
        kind: What its rows are; molecules serve denoising, texts serve tasks in words.
        rows: Number of rows per published split.
        benchmark: The published split is kept as it is and its valid and test rows are protected.
        published_split: The split is published and comparisons need it as it is, but its held-out rows protect
            nothing in other sources; ``benchmark`` implies it.
        how_to_get: The command or page that fetches it, and where its files go.
        note: What one must know before using it.
        suffixes: How the names of a user's files end that it reads, in lower case; ``.xz`` may follow.
    """

    name: str
    title: str
    origin: str
    licence: str
    read: Callable[[Path], Iterator[SourceRow]]
    kind: RowKind = "reactions"
    files: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    benchmark: bool = False
    published_split: bool = False
    how_to_get: str = ""
    note: str = ""
    suffixes: tuple[str, ...] = ()

    def where(self) -> Path | None:
        """Return the data root if every file of this source is below it, else None."""
        root = os.environ.get(ROOT_VARIABLE)
        found = root is not None and all((Path(root) / name).is_file() for name in self.files)
        return Path(root) if root and found and self.files else None

    def root(self) -> Path:
        """Return the data root that holds this source.

        Raises:
            DataError: The environment variable is unset, or a file is missing below it.
        """
        root = self.where()
        if root is None:
            raise DataError(
                f"source {self.name!r} was not found below ${ROOT_VARIABLE}={os.environ.get(ROOT_VARIABLE, '')!r}.",
                f"Set {ROOT_VARIABLE} to a folder that holds {self._files_in_words()} {self.how_to_get}".rstrip(),
            )
        return root

    def folder(self) -> Path | None:
        """Return the deepest folder that holds every file of this source, or None where it was not found."""
        root = self.where()
        parents = [str((root / name).parent) for name in self.files] if root else []
        return Path(os.path.commonpath(parents)) if parents else None

    def _files_in_words(self) -> str:
        names = list(self.files)
        if len(names) > 3:
            return f"{', '.join(names[:3])} and {len(names) - 3} more."
        return f"{', '.join(names)}." if names else "its files."

    def verify(self) -> None:
        """Compare every file with its checksum; raises DataError naming the first that differs."""
        root = self.root()
        for name, expected in self.files.items():
            found = checksum(root / name)
            if found != expected:
                raise DataError(f"{root / name} has SHA-256 {found}, not {expected}.", "Fetch the file again.")


SOURCES: Registry[Source] = Registry("source", "retort.data.sources", "SOURCE")


def source_of_file(path: Path) -> Source:
    """Return the source that reads a user's file or folder, told by how the name ends; a folder by what is in it.

    Raises:
        InputFileError: There is no such file, or no source reads its kind.
    """
    if not path.exists():
        raise InputFileError(f"there is no file {str(path)!r}.")
    names = [path.name] if path.is_file() else [file.name for file in path.rglob("*")]
    readers = [source for source in map(SOURCES.get, SOURCES.names()) if source.suffixes]
    for source in readers:
        if any(name.lower().removesuffix(".xz").endswith(source.suffixes) for name in names):
            return source
    known = ", ".join(suffix for source in readers for suffix in source.suffixes)
    raise InputFileError(f"{str(path)!r} is of an unknown kind.", f"Known: {known}.")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(path: Path) -> dict[str, str]:
    """Return name -> SHA-256 of a user's file, or of every file below a user's folder.

    Raises:
        DataError: Nothing is there, or it cannot be read.
    """
    files = [path] if not path.is_dir() else sorted(file for file in path.rglob("*") if file.is_file())
    base = path.parent if not path.is_dir() else path
    try:
        return {file.relative_to(base).as_posix(): checksum(file) for file in files}
    except OSError as error:
        raise DataError(f"cannot read {str(error.filename)!r}: {error.strerror}.") from error


def under(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """Put a folder in front of the names of files."""
    return {f"{folder}/{name}": checksum for name, checksum in files.items()}


def open_text(path: Path) -> io.TextIOBase:
    """Open a plain, xz- or gzip-compressed text file for reading; line ends are left as they are."""
    if path.suffix == ".xz":
        return io.TextIOWrapper(lzma.open(path), encoding="utf-8-sig", newline="")
    if path.suffix in (".gz", ".gzip"):
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
