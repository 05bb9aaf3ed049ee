"""The Suzuki screen of Perera et al. 2018 as far as EDBO uses it: boronic electrophiles left out."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import conditions, percent, table_rows
from retort.data.records import RawRow
from retort.data.source import Source

_FILE = "yields/suzuki_edbo.csv.xz"
_PRODUCT = "Cc1ccc2c(cnn2C2CCCCO2)c1-c1ccc2ncccc2c1"  # of every row: a quinoline on an indazole
_ROLES = {"ligand": "Ligand_SMILES", "base": "Base_SMILES", "solvent": "Solvent_SMILES"}


def _read(root: Path) -> Iterator[RawRow]:
    for row in table_rows(root / _FILE):
        by_role = {role: row[column] for role, column in _ROLES.items()}
        reagents = ".".join(filter(None, by_role.values()))
        yield RawRow(
            id=f"suzuki_edbo:{row['entry']}",
            split="all",
            reaction=f"{row['Electrophile_SMILES']}.{row['Nucleophile_SMILES']}>{reagents}>{_PRODUCT}",
            yield_percent=percent(row["yield"]),
            label=conditions(**by_role),
        )


SOURCE = Source(
    name="suzuki_edbo",
    title="Suzuki yields (HTE), the part used by EDBO, with roles, without a split",
    origin="Perera et al. 2018, in the table of EDBO (Shields et al. 2021)",
    licence="not stated with the data",
    files={_FILE: "b1c09c5a13005e9133430bd1fcb9ebd0c35de7bfcd3b9b1ad3e51822728aa029"},
    rows={"all": 3_696},
    how_to_get="Suzuki table of https://github.com/b-shields/edbo; compress with xz into yields/.",
    read=_read,
    note="One product in every row, written by the reader. Palladium acetate, the same in every row, is left out. "
    "label: ligand, base, solvent.",
)
