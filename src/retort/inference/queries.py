"""Read queries from files: tables, files of lines, and standard input.

Every row is kept in its place, empty ones too: they are answered ``invalid_input``, so that output lines up with input.
"""

import hashlib
import json
import lzma
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from retort.errors import InputFileError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

STDIN = "-"
T = TypeVar("T")


def read_queries(name: str, column: str = "input") -> list[str]:
    """Return the queries of a file, one per row, in order; ``-`` reads lines from standard input.

    Args:
        name: A table (``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``) or lines (``.smi``, ``.txt``), also with ``.xz``.
        column: Column of the queries; files of lines have none.

    Raises:
        InputFileError: The file is missing, empty, damaged, of an unknown kind, or lacks the column.
    """
    if name == STDIN:
        return _not_empty(_lines(sys.stdin.buffer.read(), "standard input"), "standard input")
    return read_lines_or_column(Path(name), (column,))


def read_lines_or_column(path: Path, columns: Sequence[str]) -> list[str]:
    """Return the lines of a file of lines, or the first of some columns that a table has, one text per row.

    Raises:
        InputFileError: As :func:`read_queries`.
    """
    kind = path.with_suffix("").suffix if path.suffix.lower() == ".xz" else path.suffix
    if kind.lower() not in (".smi", ".txt"):
        from retort.data.tables import read_table  # polars is not needed to answer one query

        table = read_table(path)
        present = [column for column in columns if column in table.columns]
        return [cell for (cell,) in _cells(table, path, present[:1] or columns[:1])]
    lines = _lines(_bytes(path), str(path))
    return _not_empty([_without_name(line) for line in lines] if kind.lower() == ".smi" else lines, str(path))


def read_columns(path: Path, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the named columns of a table, one tuple per row; a missing value is empty text.

    Raises:
        InputFileError: As :func:`read_queries`.
    """
    from retort.data.tables import read_table

    return _cells(read_table(path), path, columns)


def _cells(table: "pl.DataFrame", path: Path, columns: Sequence[str]) -> list[tuple[str, ...]]:
    for column in columns:
        if column not in table.columns:
            raise InputFileError(
                f"{str(path)!r} has no column {column!r}.",
                f"{did_you_mean(column, table.columns)} Name the column with --column.",
            )
    rows = table.select(columns).iter_rows()
    return _not_empty([tuple("" if cell is None else str(cell) for cell in row) for row in rows], str(path))


def checksum(rows: Iterable[object]) -> str:
    """Return a SHA-256 over rows; it names the input of a batch."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return lzma.decompress(raw) if path.suffix.lower() == ".xz" else raw
    except OSError as error:
        raise InputFileError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    except lzma.LZMAError as error:
        raise InputFileError(f"{str(path)!r} is damaged: {error}.") from error


def _lines(raw: bytes, name: str) -> list[str]:
    """Split into lines with either kind of line end; a byte-order mark is dropped."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise InputFileError(f"{name!r}, line {number}: not UTF-8 text.", "Save the file as UTF-8.") from error
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _without_name(line: str) -> str:
    """Drop the name that may stand behind the SMILES; fragment groups ``|f:0.1|`` are no name."""
    smiles, _, rest = line.strip().partition("\t" if "\t" in line.strip() else " ")
    return line if rest.startswith("|") else smiles


def _not_empty(rows: list[T], name: str) -> list[T]:
    if not rows:
        raise InputFileError(f"{name!r} holds no query.", "Give at least one.")
    return rows
