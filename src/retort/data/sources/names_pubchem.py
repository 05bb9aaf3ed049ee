"""IUPAC names and SMILES of PubChem324k."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import MoleculeRow
from retort.data.source import Source, under

_FOLDER = "names/pubchem324k_iupac"


def _read(root: Path) -> Iterator[MoleculeRow]:
    for split in ("train", "valid"):
        for line, text in enumerate(lines(root / _FOLDER / f"{split}.tsv.xz"), 1):
            smiles, _, name = text.split("\t")
            known = name if name != "None" else ""
            yield MoleculeRow(
                id=f"names_pubchem:{split}:{line}",
                split=split,
                smiles=smiles,
                text=known,
                text_kind="name" if known else "",
                name_kind="iupac" if known else "",
            )


SOURCE = Source(
    name="names_pubchem",
    title="PubChem324k: SMILES and IUPAC name",
    origin="PubChem324k (MolCA, Liu et al. 2023) from PubChem",
    licence="not stated: do not redistribute",
    files=under(
        "names/pubchem324k_iupac",
        {
            "train.tsv.xz": "cad2ec2de6673054687eaadc0f14597c2141bd7bffac82f4f13008f414e83e53",
            "valid.tsv.xz": "ddbc6a579248ac3d4d17478fdf54060371d8eaa3d916f0dcd371295af647c263",
        },
    ),
    rows={"train": 11_981, "valid": 998},
    kind="molecules",
    published_split=True,
    how_to_get="https://github.com/acharkq/MolCA (PubChem324k); columns SMILES, compound, name; compress with xz, put "
    "into names/pubchem324k_iupac/.",
    read=_read,
    note="Most train rows lack stereo. 124 train and 15 valid rows have no name: their text is empty.",
)
