"""Files of queries as clients send them: one line of the file is one row, and no row is ever lost.

A line that cannot be read (not UTF-8, a quotation that does not end, too many cells, no JSON) is a row with the status
``invalid_input`` that names the line; it does not disturb its neighbours. So a quoted cell cannot run over lines,
which no SMILES does. Files are read line by line and never held in memory.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from retort.serving.contract import whole_text
from retort.serving.problems import RefusalError, too_large

Kind = Literal["text", "csv", "jsonl"]
KINDS: dict[str, Kind] = {
    "text/plain": "text",
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
}
SHOWN = 200  # characters of an unreadable line that its answer repeats
LONGEST_LINE = 1_000_000  # bytes; of a longer one, the beginning is kept and told as unreadable


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an upload.

    Attributes:
        query: The query, or the beginning of a line that cannot be read.
        problem: Why the line cannot be read; empty where it can.
    """

    query: str
    problem: str = ""


def kind_of(content_type: str) -> Kind:
    """Tell the kind of an upload from its content type; raises RefusalError (415)."""
    kind = KINDS.get(content_type.partition(";")[0].strip().lower())
    if kind is None:
        known = ", ".join(KINDS)
        raise RefusalError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unknown_content_type", f"send queries as one of: {known}."
        )
    return kind


def read_rows(path: Path, kind: Kind, column: str, start: int = 0) -> Iterator[Row]:
    """Yield the rows of an upload from row number ``start`` (from 0) on.

    Raises:
        RefusalError: 422, the header lacks the column or is repeated.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        lines = enumerate(_lines(file), 1)
        if kind == "csv":
            place, cells = _header(next(lines, (1, b""))[1], column)
            for number, line in islice(lines, start, None):
                yield _csv_row(line, number, place, cells)
        else:
            for number, line in islice(lines, start, None):
                yield _json_row(line, number, column) if kind == "jsonl" else _text_row(line, number)


def count_rows(path: Path, kind: Kind, column: str, most: int) -> int:
    """Return the number of rows, after a look at the header.

    Raises:
        RefusalError: 413, there are more than ``most``; 422, there is none, or the header lacks the column.
    """
    with path.open("rb") as file:
        lines = _lines(file)
        if kind == "csv":
            _header(next(lines, b""), column)
        count = sum(1 for _ in islice(lines, most + 1))
    if count > most:
        raise too_large("the file", most, "rows")
    if count == 0:
        raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_rows", "the file holds no query; give at least one.")
    return count


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines, each at most :data:`LONGEST_LINE` bytes; what follows in a longer one is passed over."""
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)  # the rest of a line that is too long


def _header(line: bytes, column: str) -> tuple[int, int]:
    """Return the place of a column and the number of columns."""
    text, problem = _decoded(line, 1)
    names = [] if problem else _cells(text)
    if names is None or names.count(column) != 1:
        raise RefusalError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "no_column",
            f"the first line of the file must name the column {column!r} once; ?column=... names another.",
        )
    return names.index(column), len(names)


def _csv_row(line: bytes, number: int, place: int, expected: int) -> Row:
    text, problem = _decoded(line, number)
    if problem:
        return Row(text[:SHOWN], problem)
    cells = _cells(text)
    if cells is None:
        return Row(text[:SHOWN], f"line {number} is not CSV: a quotation does not end in it.")
    if len(cells) != expected:
        return Row(text[:SHOWN], f"line {number} has {len(cells)} cells where the header has {expected}.")
    return Row(cells[place])


def _cells(text: str) -> list[str] | None:
    """Split one line of CSV; None where it is none."""
    try:
        return next(csv.reader([text], strict=True), []) or [""]
    except csv.Error:
        return None


def _json_row(line: bytes, number: int, column: str) -> Row:
    text, problem = _decoded(line, number)
    if problem:
        return Row(text[:SHOWN], problem)
    try:
        query = json.loads(text)[column]
        if not isinstance(query, str):
            return Row(text[:SHOWN], f"line {number}: {column!r} is not text.")
        return Row(whole_text(query))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return Row(text[:SHOWN], f"line {number} is not a JSON object with the key {column!r}.")


def _text_row(line: bytes, number: int) -> Row:
    text, problem = _decoded(line, number)
    return Row(text[:SHOWN] if problem else text, problem)


def _decoded(line: bytes, number: int) -> tuple[str, str]:
    """Return the text of a line and why it cannot be read; what is no UTF-8 is written as escapes."""
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    if len(line) >= LONGEST_LINE:
        return line[:SHOWN].decode("utf-8", "backslashreplace"), f"line {number} is longer than {LONGEST_LINE:,} bytes."
    try:
        return line.decode("utf-8"), ""
    except UnicodeDecodeError:
        return line.decode("utf-8", "backslashreplace"), f"line {number} is not UTF-8 text."
