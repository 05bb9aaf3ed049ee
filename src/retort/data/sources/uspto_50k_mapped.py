"""The held-out rows of USPTO-50k (Dai split) with the atom maps of their publishers, to check mappings."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "uspto_50k"


def _read(root: Path) -> Iterator[RawRow]:
    for split in ("valid", "test"):
        for line, row in enumerate(table_rows(root / _FOLDER / f"mapped_canonicalized_{split}.csv.xz"), 1):
            reaction = row["reactants>reagents>production"]
            yield RawRow(
                id=f"uspto_50k_mapped:{split}:{line}",
                split=split,
                reaction=reaction,
                mapped=reaction,
                reaction_class=int(row["class"]),
                origin=row["id"],
            )


SOURCE = Source(
    name="uspto_50k_mapped",
    title="USPTO-50k valid and test rows (Dai split) with atom maps",
    origin="Schneider et al. 2016 from D. Lowe's patent text mining; mapped files of the Dai split, canonicalised",
    licence="CC0-1.0",
    files=under(
        "uspto_50k",
        {
            "mapped_canonicalized_valid.csv.xz": "7b2d145826fd1941b550f2d6d776db636c7047440e60b3ab2207998c58d9cd70",
            "mapped_canonicalized_test.csv.xz": "507bd8d6314a0ce767144b5652f2f08767e7a71898e27100c68b91198731bfc6",
        },
    ),
    rows={"valid": 5_001, "test": 5_007},
    published_split=True,
    how_to_get="Canonicalise raw_val.csv and raw_test.csv of https://github.com/Hanjun-Dai/GLN (Dropbox link in its "
    "README), compress with xz, name as listed below uspto_50k/.",
    read=_read,
    note="The rows that uspto_50k protects: for checks of atom maps alone, never for training or as a model input.",
)
