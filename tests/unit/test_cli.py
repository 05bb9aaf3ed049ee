"""The command line: what is printed, where, and with which exit code."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retort.cli import app
from retort.inference import predictor as predicting
from retort.inference.model_folder import CARD
from retort.inference.toy_model import write_toy_model

Command = Callable[..., Result]
AMIDE = "CC(=O)NCc1ccccc1"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_model(tmp_path_factory.mktemp("model") / "toy")


@pytest.fixture
def retort(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in an empty folder; MODEL stands for the toy model."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*arguments: str, stdin: str = "") -> Result:
        words = [str(toy) if word == "MODEL" else word for word in arguments]
        result = runner.invoke(app, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def one_line(result: Result) -> str:
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    return result.stderr


def test_json_is_one_object_per_query_in_input_order(retort: Command) -> None:
    result = retort("predict", "retro", "CCO", "C1CC", AMIDE, "-m", "MODEL", "-k", "2", "-f", "json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["query"] for row in rows] == ["CCO", "C1CC", AMIDE]
    assert [row["status"] for row in rows] == ["ok", "invalid_input", "ok"]
    assert [len(row["candidates"]) for row in rows] == [2, 0, 2]
    assert rows[2]["message"] == "The query is in the training data."
    assert (result.exit_code, result.stderr) == (1, "")


def test_csv_has_a_row_per_candidate(retort: Command) -> None:
    result = retort("predict", "forward", "CCO", "C1CC", "-m", "MODEL", "-k", "2", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["query"], row["rank"], row["smiles"]) for row in rows] == [
        ("CCO", "1", "CCO.O"),
        ("CCO", "2", "CCO.O.O"),
        ("C1CC", "", ""),
    ]
    assert "cannot read" in rows[2]["message"]


def test_the_table_shows_whole_smiles_and_the_message(retort: Command) -> None:
    long = "CC(C)(C)OC(=O)N1CCN(C(=O)c2ccc(-c3ccc(C(F)(F)F)cc3)cc2)CC1"
    result = retort("predict", "forward", long, "N[C@@H](C)[13CH3]", "-m", "MODEL", "-k", "1")
    assert result.stdout.count(long) == 2
    assert "[13CH3]" in result.stdout
    assert "language_model" in result.stdout
    assert "%" not in result.stdout  # no calibration, no confidence
    assert "Stereochemistry was not in the training data" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["predict", "retro", "CCO"], 0),
        (["predict", "retro", "CCO", ""], 1),
        (["predict", "reagents", "CC>>CCO"], 1),
    ],
)
def test_the_exit_code_says_whether_all_were_answered(retort: Command, arguments: list[str], code: int) -> None:
    assert retort(*arguments, "-m", "MODEL").exit_code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "retrosyntesis", "CCO", "-m", "MODEL"], "Did you mean 'retrosynthesis'?"),
        (["predict", "retro", "-m", "MODEL"], "give either queries or --input"),
        (["predict", "retro", "CCO", "-i", "x.csv", "-m", "MODEL"], "give either queries or --input"),
        (["predict", "retro", "-i", "x.csv", "-m", "MODEL"], "cannot read 'x.csv': No such file"),
        (["predict", "retro", "CCO", "-m", "MODEL", "--proposer", "oracle"], "no proposer 'oracle'"),
        (["predict", "retro", "CCO", "-m", "MODEL", "-o", "x.txt"], "cannot tell how to write 'x.txt'"),
        (["predict", "retro", "CCO", "-m", "MODEL", "-o", "x.csv", "-f", "table"], "a table is printed"),
        (["evaluate", "retro", "-i", "x.csv", "-m", "MODEL"], "cannot read 'x.csv'"),
        (["prepare", "none.toml"], "cannot read configuration 'none.toml'"),
        (["train", "none.toml"], "cannot read configuration 'none.toml'"),
        (["list", "taks"], "Did you mean 'tasks'?"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(retort: Command, arguments: list[str], words: str) -> None:
    result = retort(*arguments)
    assert words in one_line(result)
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["predict", "retro", "CCO", "--top-k", "0"], ["predict", "retro", "CCO", "--sped"], ["fly"], []],
)
def test_the_parser_refuses_with_code_2(retort: Command, arguments: list[str]) -> None:
    assert retort(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "retro", "CCO", "-m", "nowhere"], "there is no model 'nowhere'"),
        (["predict", "retro", "CCO", "-m", "."], "it has no model.json"),
        (["export", "nowhere"], "is not a model folder"),
    ],
)
def test_failed_work_is_one_line_and_code_1(retort: Command, arguments: list[str], words: str) -> None:
    result = retort(*arguments)
    assert words in one_line(result)
    assert result.exit_code == 1


def test_a_corrupt_model_is_one_line(retort: Command, tmp_path: Path) -> None:
    folder = write_toy_model(tmp_path / "toy")
    (folder / "language_model" / "vocabulary.json").write_text("{")
    assert "is damaged" in one_line(retort("predict", "retro", "CCO", "-m", str(folder)))
    (folder / CARD).write_text("{")
    assert "cannot read" in one_line(retort("predict", "retro", "CCO", "-m", str(folder)))


def test_an_interrupt_is_one_line_and_code_130(retort: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(predicting, "read_all", interrupted)
    result = retort("predict", "retro", "CCO", "-m", "MODEL")
    assert one_line(result) == "error: interrupted.\n"
    assert result.exit_code == 130


def test_standard_input_is_read_line_by_line(retort: Command) -> None:
    for where in (["-"], ["--input", "-"]):
        result = retort("predict", "forward", *where, "-m", "MODEL", "-k", "1", "-f", "json", stdin="CCO\r\n\r\nCC\r\n")
        assert [json.loads(line)["query"] for line in result.stdout.splitlines()] == ["CCO", "", "CC"]


def test_a_column_can_be_named(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,product\n1,CCO\n2,CC\n")
    result = retort("predict", "retro", "-i", "in.csv", "--column", "product", "-m", "MODEL", "-f", "json")
    assert len(result.stdout.splitlines()) == 2
    assert "no column 'input'" in one_line(retort("predict", "retro", "-i", "in.csv", "-m", "MODEL"))


def test_pictures_are_saved_for_what_can_be_drawn(retort: Command, tmp_path: Path) -> None:
    retort("predict", "retro", "CCO", "C1CC", "CC", "-m", "MODEL", "--save-images", "pictures/all")
    pictures = sorted((tmp_path / "pictures" / "all").iterdir())
    assert [path.name for path in pictures] == ["0001.svg", "0003.svg"]
    assert all(path.read_text().startswith("<?xml") for path in pictures)


def test_a_picture_that_cannot_be_written_is_one_line(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "cannot write" in one_line(retort("predict", "retro", "CCO", "-m", "MODEL", "--save-images", "taken"))


def test_evaluate_prints_the_contract(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("input,target\nOCC,C(C)O.O\nCC,CC.O.O\nC1CC,C\nO,CC\n")
    result = retort("evaluate", "forward", "-i", "in.csv", "-m", "MODEL", "-f", "json")
    report = json.loads(result.stdout)
    assert list(report) == ["task", "n", "model", "metrics", "intervals", "status_counts"]
    assert (report["task"], report["n"], report["model"]) == ("forward_prediction", 4, "toy")
    assert report["metrics"]["exact_match@1"] == 0.25
    assert report["metrics"]["exact_match@3"] == 0.5
    assert report["status_counts"] == {"ok": 3, "invalid_input": 1, "no_answer": 0}
    assert result.exit_code == 0


def test_evaluate_shows_a_table_with_intervals(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("input,target\nOCC,C(C)O\nCC,CC.O\n")
    text = retort("evaluate", "forward", "-i", "in.csv", "-m", "MODEL", "-k", "3").stdout
    assert "exact_match@3" in text
    assert "exact_match@5" not in text
    assert "2 rows (ok 2, invalid_input 0, no_answer 0)" in text


def test_evaluate_keeps_predictions_and_goes_on(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("input,target\nOCC,C(C)O\nCC,CC.O\nO,O\n")
    arguments = ["evaluate", "forward", "-i", "in.csv", "-m", "MODEL", "-f", "json", "--predictions", "p.jsonl"]
    first = retort(*arguments).stdout
    whole = (tmp_path / "p.jsonl").read_text()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "p.jsonl").write_text("".join(lines[:2]) + lines[2][:30])
    assert retort(*arguments).stdout == first
    assert (tmp_path / "p.jsonl").read_text() == whole
    assert "holds predictions with top_k 10, not 5" in one_line(retort(*arguments, "-k", "5"))


def test_evaluate_needs_targets(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("input\nCCO\n")
    assert "no column 'target'" in one_line(retort("evaluate", "retro", "-i", "in.csv", "-m", "MODEL"))


@pytest.mark.parametrize("what", ["tasks", "sources", "metrics", "suites", "backbones", "models", "configs"])
def test_lists_are_tables_and_json(retort: Command, tmp_path: Path, what: str) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny.toml").write_text("# A tiny run.\n")
    assert retort("list", what).exit_code == 0
    rows = json.loads(retort("list", what, "-f", "json").stdout)
    if what == "configs":
        assert rows == [{"config": "configs/tiny.toml", "what": "A tiny run."}]
    if what == "tasks":
        assert {"forward_prediction", "retrosynthesis", "reagent_prediction"} <= {row["task"] for row in rows}
        assert {row["retort-base"] for row in rows} <= {"trained", "not trained"}
        (retro,) = (row for row in rows if row["task"] == "retrosynthesis")
        assert (retro["data"], retro["metrics"].split(", ")[0]) == ("uspto_50k", "exact_match@1")
        assert all(row["example"] for row in rows)
    if what in ("sources", "metrics", "suites", "backbones"):
        assert rows


def test_the_version_is_told(retort: Command) -> None:
    assert retort("--version").stdout.startswith("retort ")


def test_every_command_has_help(retort: Command) -> None:
    for command in ("predict", "evaluate", "prepare", "train", "export", "list"):
        result = retort(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_an_unknown_recipe_is_refused(retort: Command, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('recipe = "train_rankr"\n')
    assert "Did you mean 'train_ranker'?" in one_line(retort("train", "a.toml"))


@pytest.mark.parametrize(("recipe", "key"), [("train", "prepared"), ("train_ranker", "prepared")])
def test_a_recipe_checks_its_own_keys(retort: Command, tmp_path: Path, recipe: str, key: str) -> None:
    (tmp_path / "a.toml").write_text(f'recipe = "{recipe}"\nprepaired = "x"\n')
    text = one_line(retort("train", "a.toml"))
    assert "unknown key 'prepaired'" in text
    assert f"'{key}'" in text
