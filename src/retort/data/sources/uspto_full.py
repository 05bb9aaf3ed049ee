"""USPTO-full: validation and test files of the million-reaction retrosynthesis set."""

import csv
from collections.abc import Iterator
from pathlib import Path

from retort.data.records import RawRow
from retort.data.source import Source, open_text

_FILES = {"valid": "uspto_full/uspto_full_val.csv.xz", "test": "uspto_full/uspto_full_test.csv.xz"}


def _read(root: Path) -> Iterator[RawRow]:
    for split, name in _FILES.items():
        with open_text(root / name) as file:
            for line, row in enumerate(csv.DictReader(file), 1):
                yield RawRow(
                    id=f"uspto_full:{split}:{line}",
                    split=split,
                    reaction=f"{row['target']}>>{row['input']}",
                    roles="from_maps",
                )


SOURCE = Source(
    name="uspto_full",
    title="USPTO-full validation and test files, mapped, stereo, no reagents",
    origin="Dai et al. 2019 (GLN) from D. Lowe's patent text mining",
    licence="CC0-1.0",
    files={
        _FILES["valid"]: "4425fe1c1a7a526a7beeda2e7285f953ade16579ae0b0160099cd5e6bc42b789",
        _FILES["test"]: "836f43c1361c48c86e14fdaf3b72ad4c587c3bec9e75f2584bf23d317a523c05",
    },
    rows={"valid": 96_092, "test": 96_027},
    how_to_get="Held-out files of USPTO-full (https://github.com/Hanjun-Dai/GLN) with columns input (product) and "
    "target (reactants), both mapped; compress with xz, put into uspto_full/.",
    read=_read,
    note="Holds about 8 % of the USPTO-50k test reactions: never train on it without the leak rule.",
)
