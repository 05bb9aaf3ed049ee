"""Suzuki yields of Perera et al. 2018 with ten published random splits."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import percent, table_rows
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "yields/suzuki_random_splits"
_SPLITS = 10


def _read(root: Path) -> Iterator[RawRow]:
    tables = [list(table_rows(root / _FOLDER / f"random_split_{n}.tsv.xz", "\t")) for n in range(_SPLITS)]
    tested: dict[str, list[str]] = {}
    for number, table in enumerate(tables):
        for row in table[len(table) * 7 // 10 :]:
            tested.setdefault(row[""], []).append(f"random_split_{number}")
    for row in tables[0]:
        splits = tested.get(row[""], [])
        yield RawRow(
            id=f"suzuki_yields:{row['']}",
            split="test" if "random_split_0" in splits else "train",
            reaction=row["rxn"],
            roles="mixed",
            yield_percent=percent(100 * float(row["y"])),
            label=",".join(splits) or None,
        )


SOURCE = Source(
    name="suzuki_yields",
    title="Suzuki yields (HTE), split random_split_0; label names every split that tests the row",
    origin="Perera et al. 2018, reaction SMILES and splits of rxn_yields (Schwaller et al. 2021)",
    licence="not stated with the data",
    files=under(
        "yields/suzuki_random_splits",
        {
            "random_split_0.tsv.xz": "971c3607f34aafaea4c1c40ba226cf6d73b6f1580936b35a44204e0620101c7c",
            "random_split_1.tsv.xz": "cc34a8be18a0f16a3de941d4274dc7f4d3c97145034c7753a2d6b76eadd08ea4",
            "random_split_2.tsv.xz": "95ea34a54388fcb1fe12b0e3a7712707482166fe0535ca68e2725ef9c68db819",
            "random_split_3.tsv.xz": "a97f1c4a5f3217c6e940192648339109df42ba2cd37ba63cacf3fbd28c14bc96",
            "random_split_4.tsv.xz": "77a6adbc664a61a08857a3e937eb526445a242510c578a133e0a906077619dae",
            "random_split_5.tsv.xz": "e46f40bc2fa04d38f03bcb02558b92ab414e1f5362c0b9b1e2e4f64a0c3e1ed6",
            "random_split_6.tsv.xz": "0f585e6d347105137bab4b0a63af860c7fcef08d044b7bb925c032bf0a9b4c93",
            "random_split_7.tsv.xz": "f4ff25d332aa18bbe7abfec39c429f846aee66d0b8d4aa498bf7b478ba3977c5",
            "random_split_8.tsv.xz": "0aa82b9327029ccf900fa36f3650e1d544c1e9342bcb30b7c7e7b20837935316",
            "random_split_9.tsv.xz": "216316567998d4c0e851ea67c3220f8be2f067a7bfdf1fd1a7897872078b3632",
        },
    ),
    rows={"train": 4_032, "test": 1_728},
    published_split=True,
    how_to_get="data/Suzuki-Miyaura/random_splits of https://github.com/rxn4chemistry/rxn_yields; compress each file "
    "with xz, put into yields/suzuki_random_splits/.",
    read=_read,
    note="The first 70 % of each file are its train rows. One product in every row: split by reaction. Precursors "
    "without roles.",
)
