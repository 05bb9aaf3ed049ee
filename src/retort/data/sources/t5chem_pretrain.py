"""The pretraining samples of T5Chem: drug-like molecules, one SMILES a line."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import MoleculeRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/pretrain"
_SPLITS = {"train": "train", "val": "valid"}


def _read(root: Path) -> Iterator[MoleculeRow]:
    for stem, split in _SPLITS.items():
        for line, smiles in enumerate(lines(root / _FOLDER / f"{stem}.txt.xz"), 1):
            yield MoleculeRow(id=f"t5chem_pretrain:{split}:{line}", split=split, smiles=smiles)


SOURCE = Source(
    name="t5chem_pretrain",
    title="T5Chem pretraining samples: molecules",
    origin="Lu and Zhang 2022 (T5Chem) from PubChem",
    licence="not stated with the data (PubChem: public domain)",
    files=under(
        "t5chem_samples/pretrain",
        {
            "train.txt.xz": "0c27e275adb389e5302de6df06d60e3c5e4b93d492318755fb3b7b7a3e6b687e",
            "val.txt.xz": "a7fed9aeed1218db2f730313ad3b9e297d16be22ad23b1dc5438aaf0ffe7447c",
        },
    ),
    rows={"train": 10_000, "valid": 5_000},
    kind="molecules",
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/pretrain/.",
    read=_read,
)
