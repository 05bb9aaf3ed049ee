"""Preparation that was killed, twice and at different stages, goes on and ends in the same bytes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retort.config import load
from retort.recipes.prepare import PrepareConfig, is_prepared, prepare

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC", "ClCC", "C[C@H](F)", "N#CC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO", "NC1CC1", "NCCCC", "NCC(C)C", "NCCF", "NCC#N"]
CONFIG = """
output = "out"
tasks = ["forward_prediction", "retrosynthesis", "reagent_prediction", "span_denoising"]
chunk_rows = 10
[[sources]]
name = "reaction_smiles"
path = "rows.txt"
[spelling]
copies = 12
"""
CHILD = """
import os, signal, sys, threading, time
from pathlib import Path
from retort.config import load
from retort.recipes.prepare import PrepareConfig, prepare

def kill_when(pattern, count):
    while len(list(Path("out.work").glob(pattern))) < count:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    threading.Thread(target=kill_when, args=(sys.argv[1], int(sys.argv[2])), daemon=True).start()
    prepare(load(PrepareConfig, Path("prepare.toml"), sys.argv[3:]))
"""


def set_up(folder: Path) -> Path:
    folder.mkdir()
    rows = [f"{acid}C(=O)Cl.{amine}>CCN(CC)CC>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
    (folder / "rows.txt").write_text("\n".join(rows))
    (folder / "prepare.toml").write_text(CONFIG)
    (folder / "child.py").write_text(CHILD)
    return folder


def killed(folder: Path, pattern: str, count: int, *overrides: str) -> None:
    command = [sys.executable, "child.py", pattern, str(count), *overrides]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == -signal.SIGKILL, finished.stderr
    assert not (folder / "out").exists()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "timing.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_killed_preparation_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, torn = set_up(tmp_path / "whole"), set_up(tmp_path / "torn")
    monkeypatch.chdir(whole)
    prepare(load(PrepareConfig, Path("prepare.toml")), say=lambda _: None)

    killed(torn, "clean/*.parquet", 3)
    first = torn / "out.work" / "clean" / "00-reaction_smiles-00000.parquet"
    written = first.stat().st_mtime_ns
    killed(torn, "spelled/*.npz", 3, "workers=2")
    assert first.stat().st_mtime_ns == written, "a finished chunk was made again"
    spelled = {path: path.stat().st_mtime_ns for path in (torn / "out.work" / "spelled").glob("*.npz")}
    assert 3 <= len(spelled) < 15

    monkeypatch.chdir(torn)
    config = load(PrepareConfig, Path("prepare.toml"))
    assert not is_prepared(config)
    said: list[str] = []
    prepare(config, said.append)
    assert "going on" in said[0]
    assert is_prepared(config)
    assert not (torn / "out.work").exists()
    assert contents(whole / "out") == contents(torn / "out")


def test_what_another_configuration_left_behind_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, torn = set_up(tmp_path / "whole"), set_up(tmp_path / "torn")
    killed(torn, "spelled/*.npz", 1, "spelling.copies=13", "seed=1")
    for folder in (whole, torn):
        monkeypatch.chdir(folder)
        prepare(load(PrepareConfig, Path("prepare.toml"), ["spelling.copies=2"]), say=lambda _: None)
    assert contents(whole / "out") == contents(torn / "out")
