"""PCdes: SMILES and descriptions of PubChem compounds, in two files that do not belong together."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import MoleculeRow
from retort.data.source import Source, under

_FOLDER = "pcdes"


def _read(root: Path) -> Iterator[MoleculeRow]:
    for line, smiles in enumerate(lines(root / _FOLDER / "pcdes_align_smiles.txt.xz"), 1):
        yield MoleculeRow(id=f"pcdes:smiles:{line}", split="all", smiles=smiles)
    texts = lines(root / _FOLDER / "pcdes_reference.txt.xz")
    for cid, text in zip(texts, texts, strict=True):
        yield MoleculeRow(id=f"pcdes:cid:{cid}", split="all", smiles="", text=text.strip(), text_kind="description")


SOURCE = Source(
    name="pcdes",
    title="PCdes: 15,000 molecules and 1,428 descriptions, unpaired",
    origin="Zeng et al. 2022 (KV-PLM) from PubChem",
    licence="not stated with the data",
    files=under(
        "pcdes",
        {
            "pcdes_align_smiles.txt.xz": "b9e08ba7b198a05c5f20551a7aca37f677673ce6db82897b52d7941ce462f26c",
            "pcdes_reference.txt.xz": "ab3a561a15b0861a265e9e65e2a66057381e5d80cce4ab5c139079c0782b64c9",
        },
    ),
    rows={"all": 16_428},
    kind="molecules",
    how_to_get="Folder Ret of https://github.com/thunlp/KV-PLM; compress with xz, put into pcdes/.",
    read=_read,
    note="Unpaired: each row has a molecule or a description, never both. For denoising alone.",
)
