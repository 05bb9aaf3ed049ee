"""Names of compounds in patents with the structures that a text miner gave them."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import MoleculeRow
from retort.data.source import Source

_FILE = "names/ord_uspto_name_smiles.csv.xz"


def _read(root: Path) -> Iterator[MoleculeRow]:
    for line, row in enumerate(table_rows(root / _FILE), 1):
        yield MoleculeRow(
            id=f"names_ord:{line}",
            split="all",
            smiles=row["smiles"],
            text=row["name"],
            text_kind="name",
            name_kind="patent",
        )


SOURCE = Source(
    name="names_ord",
    title="Patent names of compounds and their mined structures, most frequent first",
    origin="Open Reaction Database, patent months, from D. Lowe's patent text mining",
    licence="CC BY-SA 4.0",
    files={_FILE: "ba04bd10d578f31ef50d8fa5c3a9d22920234661cb8a257a9447e954458df6b2"},
    rows={"all": 24_122},
    kind="molecules",
    how_to_get="Count the (name, SMILES) pairs of the inputs and products of ord_uspto; columns name, smiles, count; "
    "compress with xz into names/.",
    read=_read,
    note="Structures were resolved by a text miner; some are wrong.",
)
