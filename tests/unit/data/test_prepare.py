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


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file but the one that says how long it took."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timing.json"
    }


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    tasks = ["forward", "span_denoising"]
    one = bytes_of(prepared(tmp_path, "one", tasks=tasks, workers=1, chunk_rows=7))
    two = bytes_of(prepared(tmp_path, "two", tasks=tasks, workers=2, chunk_rows=30))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
    assert bytes_of(prepared(tmp_path, "three", tasks=tasks, seed=7)) != one


def test_damage_is_noticed(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    verify(folder)
    with (folder / "train.tokens.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff\xff")
    with pytest.raises(DataError, match=r"train\.tokens\.npy"):
        verify(folder)


def test_a_finished_folder_is_returned_at_once(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert prepared(tmp_path, "one", workers=2) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert not (tmp_path / "one.work").exists()


def test_another_configuration_or_other_rows_do_not_overwrite_it(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    prepared(tmp_path, "one")
    with pytest.raises(ConfigError, match="prepared already"):
        prepared(tmp_path, "one", seed=8)
    (tmp_path / "rows.txt").write_text("CCO>>CC=O\n")
    with pytest.raises(ConfigError, match="prepared already"):
        prepared(tmp_path, "one")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="something else"):
        prepared(tmp_path, "one")
    assert (tmp_path / "one" / "thesis.txt").read_text() == "years of work"


def test_every_row_names_its_source(tmp_path: Path) -> None:
    total = write_reactions(tmp_path / "rows.txt")
    (tmp_path / "more.csv").write_text("reactants,products\nCCBr.N,CCN\nCCCBr.N,CCCN\nCCCCBr.N,CCCCN\n")
    sources = [
        {"name": "reaction_smiles", "path": str(tmp_path / "rows.txt"), "weight": 0.5},
        {"name": "table", "path": str(tmp_path / "more.csv")},
    ]
    folder = prepared(tmp_path, "one", sources=sources, hold_out={"valid": 0, "test": 0})
    manifest = read_manifest(folder)
    assert manifest["sources"] == ["reaction_smiles", "table"]
    assert manifest["source_weights"] == {"reaction_smiles": 0.5, "table": 1.0}
    indices = np.load(folder / "train.sources.npy")
    tasks = np.load(folder / "train.tasks.npy")
    assert indices.dtype == np.uint8
    assert len(indices) == len(tasks) == manifest["splits"]["train"]["rows"]
    assert manifest["counts"]["rows"] == {
        f"{source}/{task}": int(((indices == i) & (tasks == j)).sum())
        for i, source in enumerate(manifest["sources"])
        for j, task in enumerate(manifest["tasks"])
        if ((indices == i) & (tasks == j)).any()
    }
    assert manifest["counts"]["rows"]["table/retrosynthesis"] == 3
    assert manifest["counts"]["rows"]["reaction_smiles/retrosynthesis"] == total - 3


def test_the_watched_rows_are_of_part_a_and_of_every_task(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one", valid_rows=9)
    manifest = read_manifest(folder)
    assert np.bincount(np.load(folder / "valid.tasks.npy")).tolist() == [3, 3, 3]
    assert len(np.load(folder / "valid.sources.npy")) == 9
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    tokens, offsets = np.load(folder / "valid.tokens.npy"), np.load(folder / "valid.offsets.npy")
    part = {".".join(r.reaction.products) for r in read_records(folder / "records.parquet") if r.split == "valid_a"}
    retro = manifest["tasks"].index("retrosynthesis")
    for row, task in enumerate(np.load(folder / "valid.tasks.npy")):
        if task == retro:
            prompt = vocabulary.decode(tokens[offsets[2 * row] : offsets[2 * row + 1]])
            assert prompt.removeprefix("<retrosynthesis>") in part


def test_time_and_memory_are_told_apart_from_the_result(tmp_path: Path) -> None:
    write_reactions(tmp_path / "rows.txt")
    folder = prepared(tmp_path, "one")
    timing = json.loads((folder / "timing.json").read_text())
    assert timing["peak_memory_mib"] > 10
    assert timing["stages"]["clean reaction_smiles"]["rows"] == len((tmp_path / "rows.txt").read_text().splitlines())
    assert "timing.json" not in read_manifest(folder)["files"]
