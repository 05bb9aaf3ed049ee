"""The building blocks of PaRoutes as InChI keys: what a route may start from."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import MoleculeRow
from retort.data.source import Source, under

_FOLDER = "stock"


def _read(root: Path) -> Iterator[MoleculeRow]:
    for stock in ("n1", "n5"):
        for line, key in enumerate(lines(root / _FOLDER / f"paroutes_{stock}_stock_inchikeys.txt.xz"), 1):
            yield MoleculeRow(
                id=f"paroutes_stock:{stock}:{line}", split="all", smiles="", text=key, text_kind="inchikey"
            )


SOURCE = Source(
    name="paroutes_stock",
    title="PaRoutes stocks n1 and n5, InChI keys of purchasable molecules",
    origin="Genheden and Bjerrum 2022 (PaRoutes)",
    licence="Apache-2.0 (repository)",
    files=under(
        "stock",
        {
            "paroutes_n1_stock_inchikeys.txt.xz": "fd0835974a94a9175ae970ef3b9a62fdaf5d997e34439242b36505385d83b570",
            "paroutes_n5_stock_inchikeys.txt.xz": "8b369fe191fcc2166173a91f517cda7317beb6de2b9e2e59131e6776a6a5712f",
        },
    ),
    rows={"all": 27_416},
    kind="molecules",
    how_to_get="data/download_data.py of https://github.com/MolecularAI/PaRoutes; keys of n1-stock.txt and "
    "n5-stock.txt, compressed with xz, into stock/.",
    read=_read,
    note="No structures: for membership checks of a planner, never for training.",
)
