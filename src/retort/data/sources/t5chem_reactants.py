"""The sample files of T5Chem for retrosynthesis: the product in, its reactants out."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/reactants"
_SPLITS = {"train": "train", "val": "valid", "test": "test"}


def _read(root: Path) -> Iterator[RawRow]:
    for stem, split in _SPLITS.items():
        files = (root / _FOLDER / f"{stem}.{side}.txt.xz" for side in ("source", "target"))
        for line, source, target in line_pairs(*files):
            yield RawRow(id=f"t5chem_reactants:{split}:{line}", split=split, reaction=f"{target}>>{source}")


SOURCE = Source(
    name="t5chem_reactants",
    title="T5Chem sample reactions for retrosynthesis, no reagents",
    origin="Lu and Zhang 2022 (T5Chem, USPTO-500-MT samples) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files=under(
        "t5chem_samples/reactants",
        {
            "train.source.txt.xz": "aa21c2747ebbded350afd5793edc054487f56d7d42d3379696fe8881cab0f39a",
            "train.target.txt.xz": "7005e9e8c51dae4847a93b5efa2eec24b73520b5abb55737f44e3508994254b0",
            "val.source.txt.xz": "d57726dfad92bbbd00d03745b20c03440c44eabfcc099ed81fd58d54a51a6eb8",
            "val.target.txt.xz": "c0fc965025c50ff378bd58e9990e033ea3d23e24a8b586ee7169839616644aeb",
            "test.source.txt.xz": "f0f87a918c8d4b29abe190475e14bb54d3984625695d23f669a7c9da1d5fa6fe",
            "test.target.txt.xz": "f9bdba49ca6128520888f5f5976d87b25f56462f6dd9babece1fafe4ba689f06",
        },
    ),
    rows={"train": 10_000, "valid": 5_000, "test": 1_000},
    benchmark=True,
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/reactants/.",
    read=_read,
    note="The reactions of t5chem_samples, line by line, without reagents: of use for comparisons alone.",
)
