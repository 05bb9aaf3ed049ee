"""The record of environments holds those of every molecule of the train rows, and of no held-out one."""

from pathlib import Path

import numpy as np
import pytest

from retort.chem.reaction import Reaction
from retort.config import build
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.inference.environments import known_environments
from retort.recipes.entry import run
from retort.recipes.known_environments import _from_words, write_environments
from retort.recipes.prepare import PrepareConfig, prepare


def test_every_role_counts(tmp_path: Path) -> None:
    records = [
        Record("a", "s", "train", Reaction(("CCO",), ("[Pd]",), ("CC=O",))),
        Record("b", "s", "train", Reaction((), (), ("c1ccccc1",))),
    ]
    count = write_environments(records, tmp_path / "deep" / "environments.npy")
    keys = np.load(tmp_path / "deep" / "environments.npy")
    assert count == len(keys)
    assert keys.tolist() == known_environments(["CCO", "[Pd]", "CC=O", "c1ccccc1"]).tolist()


def test_held_out_rows_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups = ["CC#N", "CC=C", "CCF", "CCCl", "Cc1ccccc1", "Cc1ccncc1", "CC1CC1", "CCO", "CCCC", "C(C)C"]
    rows = "".join(f"CC(=O)Cl.N{group}>>CC(=O)N{group}\n" for group in groups)
    (tmp_path / "rows.txt").write_text(rows)
    source = {"name": "reaction_smiles", "path": str(tmp_path / "rows.txt")}
    values = {"output": str(tmp_path / "prepared"), "sources": [source], "hold_out": {"valid": 0.0, "test": 0.5}}
    prepare(build(PrepareConfig, values, "test"), say=lambda _: None)
    records = read_records(tmp_path / "prepared" / "records.parquet")
    train = [str(record.reaction).replace(">>", ".") for record in records if record.split == TRAIN]
    assert 0 < len(train) < len(records)
    output = tmp_path / "environments.npy"
    assert run(_from_words, "PREPARED OUTPUT.npy", 2, [str(tmp_path / "prepared"), str(output)]) == 0
    assert np.load(output).tolist() == known_environments(train).tolist()
    assert "atom environments" in capsys.readouterr().err
