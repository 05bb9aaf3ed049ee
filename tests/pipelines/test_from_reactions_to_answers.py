"""The whole way on the command line: reactions -> prepare -> train -> export -> predict -> evaluate."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app

pytest.importorskip("torch", reason="needs the extra [train]")

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO"]
PREPARE = """
output = "prepared"
tasks = ["forward_prediction", "retrosynthesis", "reagent_prediction"]
[[sources]]
name = "reaction_smiles"
path = "rows.txt"
[spelling]
copies = 2
[hold_out]
valid = 0.3
test = 0.1
"""
TRAIN = """
prepared = "prepared"
output = "run"
[model]
d_model = 32
d_kv = 16
d_ff = 64
layers = 1
decoder_layers = 1
heads = 2
[training]
total_tokens = 4000
tokens_per_batch = 1000
evaluate_tokens = 2000
evaluate_rows = 5
"""


@pytest.fixture
def retort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)
    rows = [f"{acid}C(=O)Cl.{amine}>CCN(CC)CC>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
    (tmp_path / "rows.txt").write_text("\n".join(rows))
    (tmp_path / "prepare.toml").write_text(PREPARE)
    (tmp_path / "train.toml").write_text(TRAIN)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code in (0, 1), result.stderr
        return result.stdout

    return run


def test_reactions_become_a_model_that_answers(retort: Callable[..., str], tmp_path: Path) -> None:
    assert retort("prepare", "prepare.toml").splitlines()[-1] == "prepared"
    assert retort("train", "train.toml", "training.seed=3").splitlines()[-1] == "run/final"
    assert "is a model of" in retort("export", "run/final", "-o", "model")
    answer = json.loads(retort("predict", "retro", "CCC(=O)NC", "-m", "model", "-k", "3", "-f", "json"))
    assert answer["model"] == "model"
    assert answer["status"] in ("ok", "no_answer")
    rows = next((tmp_path / "prepared" / "examples").glob("*/*.forward_prediction.csv"))
    report = json.loads(retort("evaluate", "forward", "-i", str(rows), "-m", "model", "-f", "json"))
    assert report["n"] == len(rows.read_text().splitlines()) - 1
    assert sum(report["status_counts"].values()) == report["n"]
