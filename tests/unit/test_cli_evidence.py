"""The command line of evidence: indexes, stock, and everything at once."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retort.cli import app
from retort.inference.toy_model import write_toy_model

Command = Callable[..., Result]
AMIDE = "CC(=O)NCc1ccccc1"
ROWS = f"reaction,page\nCC(=O)Cl.NCc1ccccc1>>{AMIDE},NB 7\nC1CC>>CC,NB 8\n"


@pytest.fixture
def retort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in a folder with a toy model, a table of reactions and a stock."""
    monkeypatch.chdir(tmp_path)
    write_toy_model(tmp_path / "toy")
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "stock.txt").write_text("O\nC1CC\n")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def build(retort: Command) -> None:
    assert retort("index", "build", "rows.csv", "-o", "index", "--id-column", "page").exit_code == 0


def test_building_says_what_became_of_the_rows(retort: Command) -> None:
    result = retort("index", "build", "rows.csv", "-o", "index", "--id-column", "page")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "index: 1 distinct reactions of 2 rows, 1 refused." in result.stderr
    assert "refused: unreadable: SMILES: 1" in result.stderr


def test_searching_prints_a_table_or_json(retort: Command) -> None:
    build(retort)
    table = retort("index", "search", AMIDE, "--index", "index")
    assert "NB 7" in table.stdout
    assert "1.000" in table.stdout
    line = json.loads(retort("index", "search", f">>{AMIDE}", "--index", "index", "-f", "json").stdout)
    assert line == {"reaction": f"CC(=O)Cl.NCc1ccccc1>>{AMIDE}", "similarity": 1.0, "id": "NB 7"}
    assert "Nothing in the index" in retort("index", "search", "[Xe]", "--index", "index").stdout


def test_predictions_carry_precedents_and_stock(retort: Command) -> None:
    build(retort)
    given = ("--index", "index", "--stock", "stock.txt")
    result = retort("predict", "retro", AMIDE, "-m", "toy", "-k", "1", "-f", "json", *given)
    (candidate,) = json.loads(result.stdout)["candidates"]
    assert candidate["precedents"][0]["id"] == "NB 7"
    assert candidate["in_stock"] == {AMIDE: False, "O": True}
    assert result.stderr == "stock: 1 entries, 1 that cannot be read.\n"
    table = retort("predict", "retro", AMIDE, "-m", "toy", "-k", "1", *given).stdout
    for shown in ("in stock", "1 of 2", "nearest", "NB 7"):
        assert shown in table


def test_a_file_of_answers_carries_them_and_is_resumed_only_with_the_same(retort: Command, tmp_path: Path) -> None:
    build(retort)
    batch = ("predict", "retro", "CCO", AMIDE, "-m", "toy", "-k", "1", "-o", "answers.csv")
    assert retort(*batch, "--index", "index").exit_code == 0
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text("utf-8").splitlines()))
    assert [row["precedent_id"] for row in rows] == ["NB 7", "NB 7"]
    assert retort(*batch, "--index", "index").exit_code == 0
    other = retort(*batch)
    assert other.exit_code == 2
    assert "was written with explain" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("index", "search", "CC", "--index", "nowhere"), 1, "is not an index"),
        (("index", "build", "none.csv", "-o", "index"), 2, "cannot read 'none.csv'"),
        (("index", "build", "rows.csv", "-o", "index", "--column", "reactoin"), 2, "Did you mean 'reaction'?"),
        (("index", "build", "rows.csv", "-o", "toy"), 2, "exists and is no index"),
        (("predict", "retro", "CC", "-m", "toy", "--index", "toy"), 1, "is not an index"),
        (("predict", "retro", "CC", "-m", "toy", "--stock", "none.txt"), 2, "cannot read 'none.txt'"),
    ],
)
def test_what_is_wrong_is_one_line(retort: Command, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = retort(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
