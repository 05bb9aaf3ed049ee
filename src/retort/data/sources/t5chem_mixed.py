"""The multi-task samples of T5Chem: a prefix names the task, SMILES are spelled at random."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs
from retort.data.records import TextRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/mixed"
_SPLITS = {"train": "train", "val": "valid"}


def _read(root: Path) -> Iterator[TextRow]:
    for stem, split in _SPLITS.items():
        files = (root / _FOLDER / f"{stem}.{side}.txt.xz" for side in ("source", "target"))
        for line, source, target in line_pairs(*files):
            kind, _, query = source.partition(":")
            yield TextRow(id=f"t5chem_mixed:{split}:{line}", split=split, kind=kind.lower(), input=query, output=target)


SOURCE = Source(
    name="t5chem_mixed",
    title="T5Chem multi-task samples: product, reactants, reagents by prefix, random spellings",
    origin="Lu and Zhang 2022 (T5Chem, USPTO-500-MT samples) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files=under(
        "t5chem_samples/mixed",
        {
            "train.source.txt.xz": "a71cd913fa5dfcb5b4a02eba9fac9468954148c9e6e72bda14d45187946a1099",
            "train.target.txt.xz": "de6a9bba50c259bc59d83f94fabe215fa896e3ee069478711a59fbfc6ad0d75e",
            "val.source.txt.xz": "1c781c2f4f5098b80d471d0ed39066c80b45b0c54cf8ea3a437b032c2e3fbd51",
            "val.target.txt.xz": "461094d81bb97e78afc6127c6da71f52b2fcd761c66c42307a94ad4b31f5af76",
        },
    ),
    rows={"train": 17_453, "valid": 3_881},
    kind="texts",
    published_split=True,
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/mixed/.",
    read=_read,
    note="Drawn from the same reactions as t5chem_samples.",
)
