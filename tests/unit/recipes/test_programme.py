"""A programme runs its steps in order, keeps what is done, and goes on where it was ended."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retort.config import build
from retort.errors import ConfigError, DataError, UnknownNameError
from retort.recipes.programme import ProgrammeConfig, run_programme
from retort.recipes.steps import RECIPES

pytest.importorskip("torch", reason="needs the extra [train]")

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO"]
TRAIN = """
prepared = "unused"
output = "unused"
[model]
d_model = 32
d_kv = 16
d_ff = 64
layers = 1
decoder_layers = 1
heads = 2
[training]
total_tokens = 3000
tokens_per_batch = 1000
evaluate_tokens = 2000
evaluate_rows = 5
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with the rows and the training configuration of a small programme."""
    rows = [f"{acid}C(=O)Cl.{amine}>CCN(CC)CC>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
    (tmp_path / "rows.txt").write_text("\n".join(rows))
    (tmp_path / "train.toml").write_text(TRAIN)
    return tmp_path


def programme(home: Path, **changes: Any) -> ProgrammeConfig:
    prepare = {
        "sources": [{"name": "reaction_smiles", "path": str(home / "rows.txt")}],
        "spelling": {"copies": 2},
        "hold_out": {"valid": 0.3, "test": 0.1},
    }
    values = {
        "output": str(home / "out"),
        "steps": [
            {"name": "prepare", "recipe": "prepare", "set": prepare},
            {
                "name": "first",
                "recipe": "train",
                "config": "train.toml",
                "set": {"prepared": "{prepare}"},
                "share": 3.0,
            },
            {
                "name": "second",
                "recipe": "train",
                "config": "train.toml",
                "set": {"prepared": "{prepare}", "start_from": "{first}", "training.seed": 1},
                "share": 1.0,
            },
        ],
    }
    return build(ProgrammeConfig, {**values, **changes}, "test")


def record(home: Path, step: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home / "out" / "steps" / f"{step}.json").read_text())
    return content


def run(config: ProgrammeConfig, home: Path) -> tuple[Path, list[str]]:
    said: list[str] = []
    return run_programme(config, home, said.append), said


def test_steps_use_the_results_of_earlier_ones_and_are_done_once(home: Path) -> None:
    result, _ = run(programme(home), home)
    assert result == home / "out" / "second" / "final"
    card = json.loads((result / "retort.json").read_text())
    assert card["config"]["start_from"] == str(home / "out" / "first" / "final")
    assert len(card["parents"]) == 1
    before = (result / "model.safetensors").stat().st_mtime_ns
    again, said = run(programme(home), home)
    assert again == result
    assert [line.partition(":")[2].split(",")[0].strip() for line in said] == ["done before"] * 3
    assert (result / "model.safetensors").stat().st_mtime_ns == before


def test_a_changed_step_is_done_again_with_all_that_use_it_and_nothing_else(home: Path) -> None:
    run(programme(home), home)
    kept, redone = record(home, "prepare"), record(home, "second")["origin"]
    (home / "train.toml").write_text(TRAIN.replace("d_ff = 64", "d_ff = 32"))
    _, said = run(programme(home), home)
    assert record(home, "prepare") == kept
    assert record(home, "second")["origin"] != redone
    assert [line.split(":")[0] for line in said if "done before" in line] == ["prepare"]


def test_the_time_is_shared_out_among_the_steps_that_are_left(home: Path) -> None:
    run(programme(home, max_minutes=0.8, until="first"), home)
    first = record(home, "first")["values"]["training"]
    left = 0.8 - record(home, "prepare")["seconds"] / 60
    assert first["budget_minutes"] == pytest.approx(0.75 * left, rel=1e-6)
    assert "total_tokens" not in first


def test_a_share_of_time_becomes_a_share_of_rows() -> None:
    values = {"sources": [{"name": "uspto_50k"}, {"name": "uspto_full", "fraction": 0.5}]}
    scaled = RECIPES["prepare"].budgeted(values, 2.0, 1000.0)["sources"]
    assert scaled[0]["fraction"] == pytest.approx(2000 / (50_016 + 192_119 / 2))
    assert scaled[1]["fraction"] == pytest.approx(scaled[0]["fraction"] / 2)
    assert RECIPES["evaluate"].budgeted({"rows": 30}, 1.0, 20.0)["rows"] == 20
    assert RECIPES["evaluate"].budgeted({"rows": 30}, None, 20.0) == {"rows": 30}


def test_an_unknown_recipe_a_repeated_name_and_a_missing_result_are_named(home: Path) -> None:
    steps = [{"name": "a", "recipe": "trian"}]
    with pytest.raises(UnknownNameError, match="train"):
        run(programme(home, steps=steps), home)
    with pytest.raises(ConfigError, match="named 'a'"):
        run(programme(home, steps=[{"name": "a", "recipe": "train"}] * 2), home)
    lost = [{"name": "a", "recipe": "train", "config": "train.toml", "set": {"prepared": "{nowhere}"}}]
    with pytest.raises(ConfigError, match="nowhere"):
        run(programme(home, steps=lost), home)
    with pytest.raises(UnknownNameError, match="second"):
        run(programme(home, until="secnd"), home)


def test_a_failed_step_is_named_by_its_own_error_and_tried_again(home: Path) -> None:
    (home / "rows.txt").rename(home / "away.txt")
    (home / "rows.txt").write_text("nonsense\n")
    with pytest.raises(DataError):
        run(programme(home), home)
    (home / "away.txt").replace(home / "rows.txt")
    result, _ = run(programme(home, until="prepare"), home)
    assert (result / "manifest.json").is_file()


def test_a_folder_that_no_step_made_is_never_removed(home: Path) -> None:
    foreign = home / "out" / "first"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="no step made it"):
        run(programme(home), home)
    assert (foreign / "thesis.txt").read_text() == "years of work"


def test_short_calls_continue_one_another(home: Path) -> None:
    (home / "train.toml").write_text(TRAIN.replace("total_tokens = 3000", "total_tokens = 60000"))
    whole, _ = run(programme(home, output=str(home / "whole"), until="first"), home)
    run(programme(home, until="prepare"), home)
    results = [""]
    while not results[-1] and len(results) < 200:
        run(programme(home, until="first", call_minutes=0.005 * len(results)), home)  # a busy machine needs longer
        results.append(record(home, "first")["result"])
    assert len(results) > 2, "one call did it all"
    pieces = Path(record(home, "first")["result"])
    assert (pieces / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_killed_programme_goes_on(home: Path) -> None:
    (home / "train.toml").write_text(TRAIN.replace("total_tokens = 3000", "total_tokens = 10_000_000"))
    config = home / "programme.toml"
    config.write_text(
        f'output = "{home / "out"}"\n[[steps]]\nname = "prepare"\nrecipe = "prepare"\n[steps.set]\n'
        f'sources = [{{ name = "reaction_smiles", path = "{home / "rows.txt"}" }}]\n'
        "spelling = { copies = 2 }\nhold_out = { valid = 0.3, test = 0.1 }\n"
        '[[steps]]\nname = "first"\nrecipe = "train"\nconfig = "train.toml"\nset = { prepared = "{prepare}" }\n'
    )
    command = [sys.executable, "-m", "retort.recipes.programme", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("first: train"):
                process.send_signal(signal.SIGKILL)
    kept = record(home, "prepare")
    (home / "train.toml").write_text(TRAIN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "prepare: done before" in done.stderr
    assert record(home, "prepare") == kept
    assert done.stdout.strip() == str(home / "out" / "first" / "final")
