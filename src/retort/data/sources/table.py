"""A user's CSV, Parquet or JSONL file (``.xz`` too): one reaction a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

from retort.data.files import own_maps, percent
from retort.data.records import RawRow, Roles
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
    if "reaction" in row:
        return ""  # an empty cell is a row that cleaning refuses
    raise InputFileError(
        f"{path} has neither a column 'reaction' nor 'reactants' and 'products'.",
        f"Its columns are: {', '.join(row)}.",
    )


def _read(path: Path) -> Iterator[RawRow]:
    for line, row in enumerate(read_table(path).iter_rows(named=True), 1):
        reaction = _reaction(row, path)
        yield RawRow(
            id=f"{path.name}:{row.get('id') or line}",
            split=str(row.get("split") or "all"),
            reaction=reaction,
            roles=_roles(row, path),
            mapped=row.get("mapped") or own_maps(reaction),
            reaction_class=row.get("reaction_class"),
            origin=str(row.get("origin") or ""),
            year=None if row.get("year") is None else int(row["year"]),
            yield_percent=percent(row.get("yield_percent")),
            label=None if row.get("label") is None else str(row["label"]),
            procedure=str(row.get("procedure") or ""),
        )


def _roles(row: dict[str, Any], path: Path) -> Roles:
    named = row.get("roles") or "given"
    if named not in get_args(Roles):
        raise InputFileError(f"{path} has roles {named!r}.", f"Known: {', '.join(get_args(Roles))}.")
    return cast("Roles", named)


SOURCE = Source(
    name="table",
    title="CSV, Parquet or JSONL with 'reaction', or 'reactants', 'reagents', 'products'",
    origin="your own file",
    licence="yours",
    how_to_get="Your own file: path = 'FILE'.",
    read=_read,
    suffixes=(".csv", ".tsv", ".parquet", ".jsonl", ".ndjson"),
    note="Optional columns: id, split, mapped, reaction_class, origin, year, yield_percent, label, procedure, roles "
    "('given', 'from_maps' or 'mixed').",
)
