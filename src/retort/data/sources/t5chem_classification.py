"""The sample files of T5Chem with their 500 template classes."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/classification"
_SPLITS = {"train": "train", "val": "valid", "test": "test"}


def _read(root: Path) -> Iterator[RawRow]:
    for stem, split in _SPLITS.items():
        files = (root / _FOLDER / f"{stem}.{side}.txt.xz" for side in ("source", "target"))
        for line, source, target in line_pairs(*files):
            yield RawRow(id=f"t5chem_classification:{split}:{line}", split=split, reaction=source, label=target)


SOURCE = Source(
    name="t5chem_classification",
    title="T5Chem sample reactions with 500 template classes, reactants > reagents > product",
    origin="Lu and Zhang 2022 (T5Chem, USPTO-500-MT samples) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files=under(
        "t5chem_samples/classification",
        {
            "train.source.txt.xz": "1b0dd4d7f75e68c5aa187525b48a49e19651ab64c51f4ee6da504014b0bc8950",
            "train.target.txt.xz": "f63b435c3dcc5d3e6cc120b5ff1f0a434116ae873ed71f7a025196930b08d279",
            "val.source.txt.xz": "4d56525bd6c9386ff42ce92cd1fdb36754073867e8e909da4973b6a2f6900466",
            "val.target.txt.xz": "5ce4091f787d8e1703f602b71f4a501ec4330d51a8a814d7983444d7f8b40801",
            "test.source.txt.xz": "dc022d6703d23d1b72b74fa8085ef1a3d2d6c6195f324367fb6062a2d2252c3d",
            "test.target.txt.xz": "c725cb59bfdd386111f2b54f20a2890d8ed65cc1eefc2a4aba5dd9119b40b342",
        },
    ),
    rows={"train": 10_000, "valid": 5_000, "test": 1_000},
    benchmark=True,
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/classification/.",
    read=_read,
    note="The reactions of t5chem_samples, line by line. label: template class.",
)
