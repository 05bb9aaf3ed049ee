"""``retort benchmark`` end to end: files that build on one another -> arms -> figures, differences, tables."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.evaluation.predictions import read
from retort.evaluation.seeds import paired
from retort.models.checkpoint import file_sha256

BASE = """
task = "retrosynthesis"
output = "{home}/bench"
[arm]
prepared = "{study}/prepared"
row_types = "{study}/row_types/output-3.npz"
start_from = "{study}/elicited/encoder"
max_length = 24
watched = 5
held_out = 6
[arm.training]
total_tokens = 1000
tokens_per_batch = 1000
evaluate_tokens = 1000
evaluate_rows = 5
precision = "fp32"
device = "cpu"
[[arm.beams]]
beam_size = 2
"""
FILES = {
    "off.toml": 'base = "base.toml"\n',
    "told/mixed.toml": """
base = "../base.toml"
against = "../off.toml"
published = {table = 1, model = "types", exact_match = 0.5}
[arm]
knowledge = "out_of_fold"
[[arm.beams]]
beam_size = 2
[[arm.beams]]
name = "mixture"
telling = "mixture"
top_types = 2
beam_size = 2
""",
    "told/lost.toml": 'base = "../base.toml"\n[arm]\nstart_from = "weights/that/are/not/there"\n',
    "told/published.toml": 'base = "../base.toml"\nnot_run = "no weights can be had"\n',
    "wide.toml": "[arm]\nseeds = [0, 1]\n",
}


@pytest.fixture(scope="module")
def folder(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of experiments on the tiny study."""
    home = tmp_path_factory.mktemp("benchmark")
    files = {"base.toml": BASE.format(home=home, study=study), **FILES}
    for name, text in files.items():
        (home / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "files" / name).write_text(text)
    return home / "files"


def run(*arguments: object) -> tuple[dict[str, dict[str, object]], str]:
    """Run the command; return what it prints as JSON, and what it tells."""
    result = CliRunner().invoke(app, ["benchmark", *map(str, arguments), "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["arms"], result.stderr


def test_arms_are_run_scored_compared_and_never_dropped(folder: Path) -> None:
    arms, _ = run(folder)
    assert list(arms) == ["off", "told/lost", "told/mixed", "told/published"]
    assert [arm["status"] for arm in arms.values()] == ["scored", "not run", "scored", "not run"]
    assert arms["told/published"]["reason"] == "no weights can be had"
    assert "weights/that/are/not/there" in str(arms["told/lost"]["reason"])
    output = folder.parent / "bench"
    written = json.loads((output / "results.json").read_text())["arms"]
    assert {name: arm["status"] for name, arm in written.items()} == {n: arm["status"] for n, arm in arms.items()}
    off, mixed = ([output / "arms" / name / "seed-0" / "plain.jsonl"] for name in ("off", "told/mixed"))
    assert written["off"]["sha256"]["predictions"] == {"plain": {"0": file_sha256(off[0])}}
    gain = written["told/mixed"]["compared"][0]
    expected = paired([read(off[0])], [read(mixed[0])], 2)["exact_match@1"]
    assert (gain["way"], gain["than"]) == ("plain", {"arm": "off", "way": "plain"})
    assert gain["exact_match@1"]["difference"] == pytest.approx(expected.difference, abs=1e-6)
    assert [(g["way"], g["than"]["arm"], g["than"]["way"]) for g in written["told/mixed"]["compared"][1:]] == [
        ("mixture", "off", "plain"),
        ("mixture", "told/mixed", "plain"),
    ]
    assert written["told/mixed"]["n"] == 6
    page = (output / "results.md").read_text()
    assert "Table 1: types" in page
    assert "no weights can be had" in page


def test_what_is_done_is_not_done_again(folder: Path) -> None:
    first, _ = run(folder)
    output = folder.parent / "bench" / "arms"
    weights = [path.stat().st_mtime_ns for path in sorted(output.rglob("model.safetensors"))]
    again, told = run(folder)
    assert again == first
    assert [path.stat().st_mtime_ns for path in sorted(output.rglob("model.safetensors"))] == weights
    assert told.count("was scored before") == 2
    assert "compared" not in told


def test_a_file_brings_what_it_is_compared_with_and_a_budget_changes_both(folder: Path, tmp_path: Path) -> None:
    values = [f"budget={folder / 'wide.toml'}", f"output={tmp_path / 'wide'}"]
    arms, _ = run(folder / "told" / "mixed.toml", *values)
    assert list(arms) == ["off", "told/mixed"]
    assert {tuple(arm["seeds"]) for arm in arms.values()} == {(0, 1)}  # type: ignore[arg-type]


def test_figures_made_elsewhere_are_kept(folder: Path, tmp_path: Path) -> None:
    first, _ = run(folder, f"output={tmp_path}", f"results={tmp_path / 'figures.json'}")
    moved, told = run(folder, f"output={tmp_path / 'x'}", f"results={tmp_path / 'figures.json'}", "arm.prepared=none")
    assert [moved[name] for name in ("off", "told/mixed")] == [first[name] for name in ("off", "told/mixed")]
    assert told.count("made elsewhere") == 2


def test_answers_come_without_chemistry_and_are_scored_later(folder: Path, tmp_path: Path) -> None:
    script = f"""
import sys
for name in ("rdkit", "polars", "pydantic", "ctranslate2"):
    sys.modules[name] = None
from retort.recipes.benchmark import main
raise SystemExit(main([{str(folder / "off.toml")!r}, "output={tmp_path}"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "decoded: 1\n"), done.stderr
    assert not (tmp_path / "results.json").exists()
    arms, told = run(folder / "off.toml", f"output={tmp_path}")
    assert arms["off"]["status"] == "scored"
    assert "is decoded" in told


def test_an_arm_that_fails_is_told_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "base.toml").write_text((folder / "base.toml").read_text())
    (tmp_path / "files" / "a.toml").write_text('base = "base.toml"\n[arm]\nknowledge = "input_only"\n')
    (tmp_path / "files" / "b.toml").write_text('base = "base.toml"\n')
    result = CliRunner().invoke(app, ["benchmark", str(tmp_path / "files"), f"output={tmp_path}"])
    assert result.exit_code == 1
    entries = json.loads((tmp_path / "results.json").read_text())["arms"]
    assert [entry["status"] for entry in entries.values()] == ["failed", "scored"]
    assert "input_only needs clusters of the inputs" in entries["a"]["reason"]
