"""Batches into files: resumed, never overwritten, never torn."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retort.cli import app
from retort.inference.toy_model import write_toy_model
from retort.recipes.predict import CHUNK

ROWS = 2 * CHUNK + 22
Command = Callable[..., Result]


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Predict ``in.csv`` with the toy model; every seventh row is bad, every fifth a duplicate."""
    monkeypatch.chdir(tmp_path)
    model = write_toy_model(tmp_path / "toy")
    smiles = ["" if i % 7 == 0 else "C" * (1 if i % 5 == 0 else 1 + i % 20) for i in range(ROWS)]
    (tmp_path / "in.csv").write_text("input\n" + "\n".join(smiles) + "\n")
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        result = runner.invoke(app, ["predict", "forward", "-i", "in.csv", "-k", "2", "-m", str(model), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_the_file_holds_what_would_be_printed(predict: Command, tmp_path: Path, name: str) -> None:
    result = predict("-o", name)
    printed = predict("-f", "json" if name.endswith("jsonl") else "csv").stdout
    assert (tmp_path / name).read_text() == printed
    assert result.stdout == ""
    assert result.stderr == f"{name} is complete: {ROWS} queries, {-(-ROWS // 7)} without an answer.\n"
    assert result.exit_code == 1


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_run_that_was_cut_goes_on_to_the_same_file(predict: Command, tmp_path: Path, name: str) -> None:
    predict("-o", name)
    whole = (tmp_path / name).read_bytes()
    ledger = tmp_path / f"{name}.progress.json"
    for rows, torn in ((0, b""), (0, b"to"), (CHUNK, b""), (CHUNK, b'{"task": "forw')):
        done = json.loads(ledger.read_text())
        size = _size_of(whole, rows, name)
        ledger.write_text(json.dumps(done | {"rows": rows, "size": size, "unanswered": -(-rows // 7)}))
        (tmp_path / name).write_bytes(whole[:size] + torn)
        assert f"complete: {ROWS} queries, {-(-ROWS // 7)} without" in predict("-o", name).stderr
        assert (tmp_path / name).read_bytes() == whole


def _size_of(whole: bytes, rows: int, name: str) -> int:
    """Bytes of the header and the first rows; a query has two lines of CSV, a bad one has one."""
    lines = rows if name.endswith("jsonl") else (1 + sum(1 if i % 7 == 0 else 2 for i in range(rows)) if rows else 0)
    return sum(len(line) for line in whole.splitlines(keepends=True)[:lines])


def test_a_finished_file_is_said_to_be_complete_and_left_alone(predict: Command, tmp_path: Path) -> None:
    first = predict("-o", "out.jsonl")
    before = (tmp_path / "out.jsonl").stat().st_mtime_ns
    second = predict("-o", "out.jsonl")
    assert second.stderr == first.stderr
    assert second.exit_code == first.exit_code == 1
    assert (tmp_path / "out.jsonl").stat().st_mtime_ns == before


def test_other_settings_and_other_input_are_refused(predict: Command, tmp_path: Path) -> None:
    predict("-o", "out.jsonl")
    before = (tmp_path / "out.jsonl").read_bytes()
    assert "written with top_k 2, not 3" in predict("-o", "out.jsonl", "-k", "3").stderr
    assert "written with model" in predict("-o", "out.jsonl", "--augmentations", "2").stderr
    assert "written with format 'json', not 'csv'" in predict("-o", "out.jsonl", "-f", "csv").stderr
    (tmp_path / "in.csv").write_text("input\nCC\n")
    result = predict("-o", "out.jsonl")
    assert "written with input" in result.stderr
    assert result.exit_code == 2
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_somebody_elses_file_is_refused(predict: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis.csv").write_text("precious\n")
    result = predict("-o", "thesis.csv")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert (tmp_path / "thesis.csv").read_text() == "precious\n"


def test_the_form_can_be_named_where_the_ending_does_not_tell(predict: Command, tmp_path: Path) -> None:
    predict("-o", "answers", "-f", "json")
    assert len((tmp_path / "answers").read_text().splitlines()) == ROWS


def test_pictures_of_a_resumed_batch_are_numbered_by_row(predict: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("input\nC\n\nCC\n")
    predict("-o", "out.jsonl", "--save-images", "pictures")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["0001.svg", "0003.svg"]
