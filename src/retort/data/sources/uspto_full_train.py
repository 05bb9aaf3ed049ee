"""The whole of USPTO-full, the million-reaction retrosynthesis set: mapped, one product a row."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import RawRow
from retort.data.source import Source
from retort.errors import InputFileError

_FILES = {"train": "raw_train.csv", "valid": "raw_val.csv", "test": "raw_test.csv"}
_COLUMN = "reactants>reagents>production"


def _read(path: Path) -> Iterator[RawRow]:
    files = {split: path / name for split, name in _FILES.items() if (path / name).is_file()}
    if not files:
        raise InputFileError(f"{path} holds none of {', '.join(_FILES.values())}.", SOURCE.how_to_get)
    for split, file in files.items():
        for line, row in enumerate(table_rows(file), 1):
            if _COLUMN not in row:
                raise InputFileError(f"{file} has no column {_COLUMN!r}.", f"Its columns are: {', '.join(row)}.")
            yield RawRow(
                id=f"uspto_full_train:{split}:{line}",
                split=split,
                reaction=row[_COLUMN],
                roles="from_maps",
                origin=row.get("id", ""),
            )


SOURCE = Source(
    name="uspto_full_train",
    title="USPTO-full, train, valid and test, mapped, stereo (path to the folder of raw_*.csv)",
    origin="Dai et al. 2019, https://github.com/Hanjun-Dai/GLN, from D. Lowe's patent text mining",
    licence="CC0-1.0",
    published_split=True,
    how_to_get="Folder uspto_multi of https://www.dropbox.com/sh/6ideflxcakrak10/AADTbFBC0F8ax55-z-EDgrIza (linked in "
    "the README of https://github.com/Hanjun-Dai/GLN); then path = the folder with raw_train.csv, raw_val.csv, "
    "raw_test.csv.",
    read=_read,
    note="About a million rows split 80/10/10; exact counts and checksums unknown here. About 8 % of the USPTO-50k "
    "test reactions are in each held-out file, and others in train: never train on it without the leak rule.",
)
