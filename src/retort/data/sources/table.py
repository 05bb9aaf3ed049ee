"""A user's CSV, Parquet or JSONL file (``.xz`` too): one reaction a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retort.data.records import RawRow
from retort.data.source import Source
from retort.data.tables import read_table
from retort.errors import InputFileError

_ROLES = ("reactants", "reagents", "products")


def _reaction(row: dict[str, Any], path: Path) -> str:
    if row.get("reaction"):
        return str(row["reaction"])
    if "products" not in row and "product" in row:
        row = {**row, "products": row["product"]}
    if "reactants" in row and "products" in row:
        return ">".join(str(row.get(role) or "") for role in _ROLES)
    raise InputFileError(
        f"{path} has neither a column 'reaction' nor 'reactants' and 'products'.",
        f"Its columns are: {', '.join(row)}.",
    )


def _read(path: Path) -> Iterator[RawRow]:
    for line, row in enumerate(read_table(path).iter_rows(named=True), 1):
        yield RawRow(
            id=f"{path.name}:{row.get('id') or line}",
            split=str(row.get("split") or "all"),
            reaction=_reaction(row, path),
            roles="from_maps" if row.get("roles") == "from_maps" else "given",
            mapped=row.get("mapped"),
            reaction_class=row.get("reaction_class"),
            origin=str(row.get("origin") or ""),
        )


SOURCE = Source(
    name="table",
    title="CSV, Parquet or JSONL with 'reaction', or 'reactants', 'reagents', 'products'",
    origin="your own file",
    licence="yours",
    read=_read,
    note="Optional columns: id, split, mapped, reaction_class, origin, roles ('from_maps').",
)
