"""Suzuki reactions of patents with one catalyst, two solvents and two reagents each."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import conditions, percent, table_rows
from retort.data.records import RawRow
from retort.data.source import Source

_FILE = "conditions/uspto_suzuki_condition.csv.xz"
_SPLITS = {"train": "train", "val": "valid", "test": "test"}
_ROLES = {"catalyst": ("catalyst1",), "solvent": ("solvent1", "solvent2"), "reagent": ("reagent1", "reagent2")}


def _read(root: Path) -> Iterator[RawRow]:
    for line, row in enumerate(table_rows(root / _FILE), 1):
        split = _SPLITS[row["dataset"]]
        reactants, _, product = row["canonical_rxn"].partition(">>")
        by_role = {role: [row[column] for column in columns] for role, columns in _ROLES.items()}
        reagents = ".".join(part for parts in by_role.values() for part in parts if part)
        yield RawRow(
            id=f"suzuki_conditions:{split}:{line}",
            split=split,
            reaction=f"{reactants}>{reagents}>{product}",
            yield_percent=percent(row["Yield"]),
            label=conditions(**by_role),
        )


SOURCE = Source(
    name="suzuki_conditions",
    title="USPTO Suzuki conditions: catalyst, solvents, reagents and yield",
    origin="Wang et al. 2023 (Parrot), USPTO_suzuki_condition, from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files={_FILE: "392fc78c392cb24aa77cc6175a5c77c6aad4607941e6fc3443d0411de74d63ee"},
    rows={"train": 2_481, "valid": 828},
    published_split=True,
    how_to_get="USPTO_suzuki_condition.csv of https://github.com/wangxr0526/Parrot; compress with xz into conditions/.",
    read=_read,
    note="The published test part is not here. label gives the roles. 1.9 % of the products are protected ones.",
)
