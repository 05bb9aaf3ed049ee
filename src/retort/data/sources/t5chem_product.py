"""The sample files of T5Chem for forward prediction: all precursors in, the product out."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/product"
_SPLITS = {"train": "train", "val": "valid", "test": "test"}


def _read(root: Path) -> Iterator[RawRow]:
    for stem, split in _SPLITS.items():
        files = (root / _FOLDER / f"{stem}.{side}.txt.xz" for side in ("source", "target"))
        for line, source, target in line_pairs(*files):
            yield RawRow(id=f"t5chem_product:{split}:{line}", split=split, reaction=f"{source}{target}", roles="mixed")


SOURCE = Source(
    name="t5chem_product",
    title="T5Chem sample reactions for forward prediction, precursors without roles",
    origin="Lu and Zhang 2022 (T5Chem, USPTO-500-MT samples) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files=under(
        "t5chem_samples/product",
        {
            "train.source.txt.xz": "0961de6129f608a41990fdde535fa222da1e49dbcc1bb829857b7439f44fbe09",
            "train.target.txt.xz": "aa21c2747ebbded350afd5793edc054487f56d7d42d3379696fe8881cab0f39a",
            "val.source.txt.xz": "cdd4e84b275260f3d8b9dcd35e88e7184ce9f71b3cb2c9da2002870f46873951",
            "val.target.txt.xz": "d57726dfad92bbbd00d03745b20c03440c44eabfcc099ed81fd58d54a51a6eb8",
            "test.source.txt.xz": "ffdee63e7c039e38556de87fc6e88f161999aa69ae6101d872a4916ac437dc1b",
            "test.target.txt.xz": "f0f87a918c8d4b29abe190475e14bb54d3984625695d23f669a7c9da1d5fa6fe",
        },
    ),
    rows={"train": 10_000, "valid": 5_000, "test": 1_000},
    benchmark=True,
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/product/.",
    read=_read,
    note="The reactions of t5chem_samples, line by line, without roles: of use for comparisons alone.",
)
