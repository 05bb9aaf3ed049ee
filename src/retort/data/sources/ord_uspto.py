"""Seven whole patent months of the Open Reaction Database: roles, conditions, yields and procedures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retort.data.files import conditions, lines, percent
from retort.data.records import RawRow
from retort.data.source import Source

_FILE = "ord_uspto/ord_uspto_7_months.jsonl.xz"


def _read(root: Path) -> Iterator[RawRow]:
    for text in lines(root / _FILE):
        row = json.loads(text)
        yields = (product.get("yield_percent") for product in row["products"])
        yield RawRow(
            id=f"ord_uspto:{row['reaction_id']}",
            split="all",
            reaction=row["reaction_cxsmiles"],
            roles="from_maps",
            origin=row["patent"],
            year=int(row["dataset"].removeprefix("uspto-grants-")[:4]),
            yield_percent=next((found for found in map(percent, yields) if found is not None), None),
            label=_label(row),
            procedure=row["procedure"],
            names=tuple((c["name"], c["smiles"]) for c in [*row["inputs"], *row["products"]] if _named(c)),
        )


def _named(compound: dict[str, Any]) -> bool:
    return bool(compound.get("name")) and bool(compound.get("smiles"))


def _label(row: dict[str, Any]) -> str | None:
    by_role = {
        role: [part.get("smiles") for part in row["inputs"] if part.get("role") == role]
        for role in ("catalyst", "solvent")
    }
    measured = {key: f"{row[key][0]:g} {row[key][1]}" for key in ("temperature", "time") if key in row}
    return conditions(**by_role, **measured)


SOURCE = Source(
    name="ord_uspto",
    title="ORD, seven patent months: mapped reactions, roles, conditions, yields, procedures",
    origin="Open Reaction Database, datasets uspto-grants-YYYY_MM, from D. Lowe's patent text mining",
    licence="CC BY-SA 4.0",
    files={_FILE: "2c79e36e1ac46586c259156bc4fb9ac796e9e5538e9d7a6a99ab10427242fce2"},
    rows={"all": 11_991},
    how_to_get="Export the datasets uspto-grants-1976_01, 1978_12, 1979_09, 1980_08, 1982_08, 1986_09 and 2001_07 of "
    "https://github.com/open-reaction-database/ord-data as JSON Lines (or read their .pb.gz with the source ord).",
    read=_read,
    note="Roles come from a text miner and many reagents are called reactants, so roles are read from the maps. Yields "
    "above 100 % (215) are left out. label: catalyst, solvent, temperature, time where mined. 1.0 % "
    "of the products are protected ones.",
)
