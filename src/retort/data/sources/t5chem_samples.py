"""The sample files of T5Chem: reactions with separate reagents and stereo, from USPTO-500-MT."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.records import RawRow
from retort.data.source import Source, open_text

_FOLDER = "t5chem_samples/reagents"
_SPLITS = {"train": "train", "val": "valid", "test": "test"}


def _read(root: Path) -> Iterator[RawRow]:
    for stem, split in _SPLITS.items():
        sources = open_text(root / _FOLDER / f"{stem}.source.txt.xz")
        targets = open_text(root / _FOLDER / f"{stem}.target.txt.xz")
        with sources, targets:
            for line, (source, target) in enumerate(zip(sources, targets, strict=True), 1):
                reactants, _, product = source.strip().partition(">>")
                yield RawRow(
                    id=f"t5chem_samples:{split}:{line}",
                    split=split,
                    reaction=f"{reactants}>{target.strip()}>{product}",
                )


SOURCE = Source(
    name="t5chem_samples",
    title="T5Chem sample reactions, reactants > reagents > product, stereo",
    origin="Lu and Zhang 2022 (T5Chem, USPTO-500-MT samples) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files={
        f"{_FOLDER}/train.source.txt.xz": "4bb6cf904e417e4692f99061c36399650e0de962a86da636259c4942967aebf6",
        f"{_FOLDER}/train.target.txt.xz": "eabb90e3cea44927846b77a68e2a71ef7a3958f496d0374903b8f98a9fe64650",
        f"{_FOLDER}/val.source.txt.xz": "79998878355afd835241215aff69e18d5507b1d0eb566e98db4dc23fa36dee80",
        f"{_FOLDER}/val.target.txt.xz": "95ab38dcbd4b260a02554423714ba3cb6a6bc154fe137053f1bb8a8ecde08ae2",
        f"{_FOLDER}/test.source.txt.xz": "023e213af4612dd35198685b6db67179dcfee797afd720c98fcd2ababdcb4b1b",
        f"{_FOLDER}/test.target.txt.xz": "23a2c1a90d3d2bafa042c40ed0b1c0434389280cf2c117455fd2c073687d5536",
    },
    rows={"train": 10_000, "valid": 5_000, "test": 1_000},
    benchmark=True,
    how_to_get="data/sample_data.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/reagents/.",
    read=_read,
)
