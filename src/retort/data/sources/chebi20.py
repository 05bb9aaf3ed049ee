"""ChEBI-20, validation half: molecules with descriptions and with IUPAC names."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import MoleculeRow
from retort.data.source import Source, under

_FOLDER = "chebi20"


def _read(root: Path) -> Iterator[MoleculeRow]:
    described = table_rows(root / _FOLDER / "chebi20_validation.txt.xz", "\t", quoted=False)
    named = table_rows(root / _FOLDER / "chebi20mm_validation.csv.xz")
    for rows, kind, column in ((described, "description", "description"), (named, "name", "iupacname")):
        for row in rows:
            yield MoleculeRow(
                id=f"chebi20:{kind}:{row['CID']}",
                split="valid",
                smiles=row["SMILES"],
                text=row[column],
                text_kind=kind if row[column] else "",
                name_kind="iupac" if kind == "name" and row[column] else "",
            )


SOURCE = Source(
    name="chebi20",
    title="ChEBI-20 validation half: descriptions (3,301) and IUPAC names (3,300) of molecules",
    origin="Edwards et al. 2021 (Text2Mol) and ChEBI-20-MM (Liu et al.), from ChEBI and PubChem",
    licence="MIT (ChEBI-20-MM card); ChEBI itself CC BY 4.0",
    files=under(
        "chebi20",
        {
            "chebi20_validation.txt.xz": "6bef0894f800193d4ae2db99d07ff2c6cfecbe21f1a013935cf7f33c7d3bcdaa",
            "chebi20mm_validation.csv.xz": "46a2dd94dc9769c1c7199594429f615802fe71f5416b0e32e1aa5f53730f3e95",
        },
    ),
    rows={"valid": 6_601},
    kind="molecules",
    how_to_get="ChEBI-20_data/validation.txt of https://github.com/blender-nlp/MolT5 and the validation table of "
    "ChEBI-20-MM (https://huggingface.co/datasets/liupf/ChEBI-20-MM); compress with xz, put into chebi20/.",
    read=_read,
    note="The train half is not here: cut it by product. Part of the SMILES contain "
    "doubled backslashes, which RDKit reads. Nine molecules have no name.",
)
