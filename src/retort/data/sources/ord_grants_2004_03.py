"""One patent month of the Open Reaction Database as a wide table of roles and conditions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retort.data.files import conditions, percent
from retort.data.records import RawRow
from retort.data.source import Source
from retort.data.tables import read_table

_FILE = "ord_uspto/uspto-grants-2004_03.parquet"


def _read(root: Path) -> Iterator[RawRow]:
    for line, row in enumerate(read_table(root / _FILE).iter_rows(named=True), 1):
        yield RawRow(
            id=f"ord_grants_2004_03:{line}",
            split="all",
            reaction=row["rxn_str"],
            roles="from_maps",
            year=row["grant_date"].year,
            yield_percent=percent(row["yield_000"]),
            label=conditions(
                catalyst=_column(row, "catalyst"),
                solvent=_column(row, "solvent"),
                temperature=_measured(row["temperature"], "celsius"),
                time=_measured(row["rxn_time"], "hour"),
            ),
            procedure=row["procedure_details"] or "",
        )


def _column(row: dict[str, Any], role: str) -> list[str]:
    return [value for name, value in row.items() if name.startswith(f"{role}_") and value]


def _measured(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:g} {unit}"


SOURCE = Source(
    name="ord_grants_2004_03",
    title="ORD, patent month 2004-03 as a table: mapped reactions, roles, conditions, yields, procedures",
    origin="Open Reaction Database, dataset uspto-grants-2004_03, tabulated (ORDerly layout)",
    licence="CC BY-SA 4.0",
    files={_FILE: "31d003d2a2843f63c318927819d8daea4a6e2f702ba170e7d67aa03c36357917"},
    rows={"all": 4_792},
    how_to_get="Extract uspto-grants-2004_03 of https://github.com/open-reaction-database/ord-data with ORDerly "
    "(https://github.com/sustainable-processes/ORDerly) into ord_uspto/uspto-grants-2004_03.parquet.",
    read=_read,
    note="Yields above 100 % are left out. label: catalyst, solvent, temperature in degrees Celsius, time in hours. "
    "Some reactions occur twice. 1.6 % of the products are protected ones.",
)
