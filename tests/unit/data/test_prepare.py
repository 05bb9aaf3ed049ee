"""A prepared folder: same seed, same bytes; every row accounted for; damage is noticed."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from retort.config import build
from retort.data.prepare import read_manifest, read_records, verify
from retort.errors import ConfigError, DataError
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.prepare import PrepareConfig, prepare

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC", "ClCC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO", "NC1CC1"]


def write_reactions(path: Path) -> int:
    lines = [f"{acid}C(=O)Cl.{amine}>CCN(CC)CC>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
    lines += [lines[0], "C1CC>>CC", "CCO>>CCO"]
    path.write_text("\n".join(lines))
    return len(lines)


def prepared(tmp_path: Path, name: str, **changes: object) -> Path:
    values = {
        "output": str(tmp_path / name),
        "sources": [{"name": "reaction_smiles", "path": str(tmp_path / "rows.txt")}],
        "hold_out": {"valid": 0.2, "test": 0.1},
        "spelling": {"copies": 3},
    }
    return prepare(build(PrepareConfig, values | changes, "test"), say=lambda _: None)


def test_every_row_is_kept_or_rejected_with_a_reason(tmp_path: Path) -> None:
    total = write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    with lzma.open(folder / "rejects.jsonl.xz", "rt") as file:
        rejects = [json.loads(line) for line in file]
    assert len(read_records(folder / "records.parquet")) + len(rejects) == total
    reasons = read_manifest(folder)["counts"]["rejected"]
    assert sum(reasons.values()) == len(rejects) >= 2
    assert any("SMILES" in reason for reason in reasons)


def test_arrays_hold_k_copies_that_decode_to_prompts(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    manifest = read_manifest(folder)
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    tokens, offsets, tasks = (np.load(folder / f"train.{part}.npy") for part in ("tokens", "offsets", "tasks"))
    assert len(vocabulary) == manifest["vocabulary_size"]
    assert len(offsets) == 2 * 3 * len(tasks) + 1
    assert tokens.dtype == np.uint16
    for row, task in enumerate(tasks):
        texts = [vocabulary.decode(tokens[offsets[i] : offsets[i + 1]]) for i in range(6 * row, 6 * row + 6)]
        assert all(text.startswith(f"<{manifest['tasks'][task]}>") for text in texts[::2])


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    files = [read_manifest(prepared(tmp_path, name, workers=w))["files"] for name, w in (("one", 1), ("two", 2))]
    assert files[0] == files[1]
    assert read_manifest(prepared(tmp_path, "three", seed=7))["files"] != files[0]


def test_damage_is_noticed(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    verify(folder)
    with (folder / "train.tokens.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff\xff")
    with pytest.raises(DataError, match=r"train\.tokens\.npy"):
        verify(folder)


def test_a_finished_folder_is_not_overwritten(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    prepared(tmp_path, "one")
    with pytest.raises(ConfigError, match="prepared already"):
        prepared(tmp_path, "one")
