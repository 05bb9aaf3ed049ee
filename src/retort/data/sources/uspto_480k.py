"""USPTO-480k (USPTO-MIT), the whole published split: mapped precursors with reagents, no stereo."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import RawRow
from retort.data.source import Source
from retort.errors import InputFileError

_SPLITS = ("train", "valid", "test")


def _read(path: Path) -> Iterator[RawRow]:
    files = {split: path / f"{split}.txt" for split in _SPLITS if (path / f"{split}.txt").is_file()}
    if not files:
        raise InputFileError(f"{path} holds none of train.txt, valid.txt, test.txt.", SOURCE.how_to_get)
    for split, file in files.items():
        for line, text in enumerate(lines(file), 1):
            yield RawRow(
                id=f"uspto_480k:{split}:{line}", split=split, reaction=text.partition(" ")[0], roles="from_maps"
            )


SOURCE = Source(
    name="uspto_480k",
    title="USPTO-480k (USPTO-MIT), mapped, with reagents, without stereo (path to the unpacked folder)",
    origin="Jin et al. 2017, https://github.com/wengong-jin/nips17-rexgen, from D. Lowe's patent text mining",
    licence="CC0-1.0",
    rows={"train": 409_035, "valid": 30_000, "test": 40_000},
    published_split=True,
    how_to_get="curl -LO https://github.com/wengong-jin/nips17-rexgen/raw/master/USPTO/data.zip && unzip data.zip; "
    "then path = the folder with train.txt, valid.txt and test.txt.",
    read=_read,
    note="Checksum unknown. valid.txt is the source uspto_mit. Shares reactions with USPTO-50k: never train on it "
    "without the leak rule.",
)
