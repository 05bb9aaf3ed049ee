"""A user's CSV, Parquet or JSONL file (``.xz`` too): one molecule a row, with its name, a description, or both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retort.data.records import MoleculeRow
from retort.data.source import Source
from retort.data.tables import read_table
from retort.errors import InputFileError

_KINDS = ("iupac", "trivial", "patent")


def _read(path: Path) -> Iterator[MoleculeRow]:
    table = read_table(path)
    if "smiles" not in table.columns:
        raise InputFileError(f"{path} has no column 'smiles'.", f"Its columns are: {', '.join(table.columns)}.")
    for line, row in enumerate(table.iter_rows(named=True), 1):
        yield from _rows(row, f"{path.name}:{row.get('id') or line}", path)


def _rows(row: dict[str, Any], place: str, path: Path) -> Iterator[MoleculeRow]:
    smiles, name, description = (str(row.get(key) or "") for key in ("smiles", "name", "description"))
    if name or not description:
        kind = _name_kind(row, path) if name else ""
        yield MoleculeRow(place, "all", smiles, name, "name" if name else "", kind)
    if description:
        yield MoleculeRow(f"{place}:description", "all", smiles, description, "description")


def _name_kind(row: dict[str, Any], path: Path) -> str:
    kind = str(row.get("name_kind") or "")
    if kind and kind not in _KINDS:
        raise InputFileError(f"{path} has the name_kind {kind!r}.", f"Known: {', '.join(_KINDS)}.")
    return kind


SOURCE = Source(
    name="molecule_table",
    title="CSV, Parquet or JSONL with 'smiles', and 'name', 'description' or both",
    origin="your own file",
    licence="yours",
    kind="molecules",
    how_to_get="Your own file: path = 'FILE'.",
    read=_read,
    note="Optional columns: id, name_kind ('iupac', 'trivial' or 'patent'; molecule_naming learns the first alone).",
)
