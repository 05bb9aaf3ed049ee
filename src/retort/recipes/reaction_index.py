"""Build an index of known reactions: a table of reactions -> a folder that ``--index`` names.

Rows that cannot be read are counted by reason and left out. A reaction that several rows have stands in the index once,
with the ids of all of them. Atom maps, where there are any, tell reactants from reagents and are dropped.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from retort.chem.reaction_bits import HALF, RADIUS, Bits, reaction_bits
from retort.chem.smiles import map_numbers
from retort.data.clean import clean
from retort.data.crew import crew
from retort.data.records import RawRow, Rejection
from retort.errors import InputFileError
from retort.inference.precedents import BITS, CARD, FORMAT, OFFSETS, ROWS, VERSION
from retort.inference.queries import read_columns
from retort.models.checkpoint import file_sha256, replacing

CHUNK = 1000
SEPARATOR = "; "  # between the ids of one reaction
Row = tuple[str, str]  # reaction, id


@dataclass(frozen=True)
class IndexRequest:
    """What is indexed.

    Attributes:
        file: A table (``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``, each with ``.xz`` too).
        output: Folder to write; an index that is there is replaced at once when the new one is complete.
        column: Column of the reactions, ``reactants>reagents>products`` or ``reactants>>products``.
        id_column: Column of what is carried along, such as a patent or a page of a notebook.
        workers: Processes.
    """

    file: Path
    output: Path
    column: str = "reaction"
    id_column: str | None = None
    workers: int = 1


@dataclass(frozen=True)
class IndexBuilt:
    """What became of the rows.

    Attributes:
        rows: Rows of the table.
        reactions: Distinct reactions in the index.
        refused: Reason -> number of rows that were left out for it.
    """

    rows: int
    reactions: int
    refused: dict[str, int]


def build_index(request: IndexRequest, on_progress: Callable[[int, int], None] | None = None) -> IndexBuilt:
    """Write the index, whole or not at all.

    Args:
        request: What and where.
        on_progress: Called with rows done and rows in all.

    Raises:
        InputFileError: The table is missing, damaged or lacks a column, no row can be read, or the output is a folder
            that is no index.
        OutputError: The disk is full or may not be written.
    """
    if request.output.exists() and not (request.output / CARD).is_file():
        raise InputFileError(f"{str(request.output)!r} exists and is no index.", "Choose another output.")
    rows = _rows(request)
    ids: dict[str, dict[str, None]] = {}
    bits: list[Bits] = []
    refused: Counter[str] = Counter()
    done = 0
    with crew(request.workers) as workers:
        for chunk in workers.map(_read, [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]):
            for reaction, identifier, found in chunk:
                if found is None:
                    refused[reaction] += 1
                    continue
                if reaction not in ids:
                    bits.append(found)
                ids.setdefault(reaction, {})[identifier] = None
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, len(rows))
    if not ids:
        raise InputFileError(f"{str(request.file)!r} has no reaction that can be read.", _reasons(refused))
    built = IndexBuilt(len(rows), len(ids), dict(refused.most_common()))
    _write(request, built, bits, [(text, SEPARATOR.join(filter(None, own))) for text, own in ids.items()])
    return built


def _rows(request: IndexRequest) -> list[Row]:
    if request.id_column is None:
        return [(reaction, "") for (reaction,) in read_columns(request.file, (request.column,))]
    return [(reaction, own) for reaction, own in read_columns(request.file, (request.column, request.id_column))]


def _read(rows: Sequence[Row]) -> list[tuple[str, str, Bits | None]]:
    """Return (reaction, id, bits) of each row; where it is refused, (reason, id, None)."""
    return list(map(_read_row, rows))


def _read_row(row: Row) -> tuple[str, str, Bits | None]:
    text, identifier = row
    found = clean(RawRow("", "all", text, "from_maps" if map_numbers(text) else "given"), "")
    if isinstance(found, Rejection):
        return found.reason, identifier, None
    reaction = found.record.reaction
    if not reaction.reactants:
        return "no reactants", identifier, None
    return str(reaction), identifier, reaction_bits(reaction)


def _write(request: IndexRequest, built: IndexBuilt, bits: Sequence[Bits], rows: Sequence[Row]) -> None:
    with replacing(request.output) as folder:
        lines = list(_lines(rows))
        with (folder / ROWS).open("wb") as file:
            file.writelines(lines)
        np.save(folder / OFFSETS, np.fromiter(accumulate(map(len, lines), initial=0), np.int64))
        np.save(folder / BITS, np.ascontiguousarray(np.stack(bits).view(np.uint64).T))
        card = {
            "format": FORMAT,
            "version": VERSION,
            "rows": built.rows,
            "reactions": built.reactions,
            "refused": built.refused,
            "bits": {"half": HALF, "radius": RADIUS},
            "source": {"name": request.file.name, "sha256": file_sha256(request.file), "column": request.column},
            "files": {name: file_sha256(folder / name) for name in (ROWS, OFFSETS, BITS)},
        }
        (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")


def _lines(rows: Sequence[Row]) -> Iterator[bytes]:
    for reaction, identifier in rows:
        yield json.dumps({"reaction": reaction, "id": identifier}).encode() + b"\n"


def _reasons(refused: Counter[str]) -> str:
    return f"Refused: {', '.join(f'{reason} ({n})' for reason, n in refused.most_common(3))}."
