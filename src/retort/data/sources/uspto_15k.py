"""USPTO-15k: mapped precursors, unmapped products, for forward prediction."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.records import RawRow
from retort.data.source import Source, open_text

_FOLDER = "uspto_mit/uspto15k"


def _read(root: Path) -> Iterator[RawRow]:
    for split in ("train", "valid", "test"):
        with open_text(root / _FOLDER / f"{split}.txt.xz") as file:
            for line, text in enumerate(file, 1):
                reaction, _, _ = text.partition(" ")
                yield RawRow(id=f"uspto_15k:{split}:{line}", split=split, reaction=reaction, roles="mixed")


SOURCE = Source(
    name="uspto_15k",
    title="USPTO-15k, precursors without roles, no stereo",
    origin="Coley et al. 2017, in the layout of Jin et al. 2017 (rexgen)",
    licence="CC0-1.0",
    files={
        f"{_FOLDER}/train.txt.xz": "247d51c06ee02be44ee209a0bb86e8c0024bcabd2e0fe60eab143bc1884f8e24",
        f"{_FOLDER}/valid.txt.xz": "22d58f0c90d0e8b88b9230547d5ba8244c895c88f12a590a0de3d5cca576123e",
        f"{_FOLDER}/test.txt.xz": "ad5591c250c49edeaf1c7d7ec314135a08e164961e091a2f11c3ef9353135b09",
    },
    rows={"train": 10_500, "valid": 1_500, "test": 3_000},
    benchmark=True,
    how_to_get="USPTO-15K/data.zip of https://github.com/wengong-jin/nips17-rexgen; compress each file with xz, put "
    "into uspto_mit/uspto15k/.",
    read=_read,
    note="Products carry no maps, so reagents cannot be told from reactants: forward prediction alone.",
)
