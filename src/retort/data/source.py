"""What a source is: a card that says where data come from, and a reader of its files."""

import hashlib
import io
import lzma
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retort.data.records import RawRow
from retort.errors import DataError
from retort.registry import Registry

ROOT_VARIABLE = "RETORT_DATA"


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
        rows: Number of rows per published split.
        benchmark: The published split is kept as it is and its valid and test rows are protected.
        note: What one must know before using it.
    """

    name: str
    title: str
    origin: str
    licence: str
    read: Callable[[Path], Iterator[RawRow]]
    files: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    benchmark: bool = False
    note: str = ""

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
                f"Set {ROOT_VARIABLE} to a folder that holds {', '.join(self.files)} (origin: {self.origin}).",
            )
        return root

    def verify(self) -> None:
        """Compare every file with its checksum; raises DataError naming the first that differs."""
        root = self.root()
        for name, expected in self.files.items():
            found = hashlib.sha256((root / name).read_bytes()).hexdigest()
            if found != expected:
                raise DataError(f"{root / name} has SHA-256 {found}, not {expected}.", "Fetch the file again.")


SOURCES: Registry[Source] = Registry("source", "retort.data.sources", "SOURCE")


def open_text(path: Path) -> io.TextIOBase:
    """Open a plain or xz-compressed text file for reading."""
    if path.suffix == ".xz":
        return io.TextIOWrapper(lzma.open(path), encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")
