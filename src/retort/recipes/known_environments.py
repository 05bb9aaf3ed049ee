"""The record of atom environments that a model keeps: of every molecule of its train rows, whatever its role.

``python -m retort.recipes.known_environments PREPARED OUTPUT.npy`` writes it for a model that is there already; a
release writes its own.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from retort.data.prepare import read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.inference.environments import known_environments
from retort.recipes.entry import run


def write_environments(records: Iterable[Record], path: Path) -> int:
    """Write the sorted keys of all environments as uint32; return how many there are.

    Raises:
        ChemistryError: A molecule cannot be read; those of prepared records can.
    """
    molecules = {m for record in records for m in (*record.reaction.precursors, *record.reaction.products)}
    keys = known_environments(molecules)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, keys, allow_pickle=False)
    return int(keys.size)


def _from_words(words: Sequence[str]) -> Path:
    prepared, output = map(Path, words[:2])
    records = (record for record in read_records(prepared / "records.parquet") if record.split == TRAIN)
    print(f"{write_environments(records, output):,} atom environments", file=sys.stderr)
    return output


if __name__ == "__main__":
    raise SystemExit(run(_from_words, "PREPARED OUTPUT.npy", 2))
