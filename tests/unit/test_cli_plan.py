"""``retort plan`` on the command line: what is printed and written, and with which exit code."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("syntheseus", reason="needs the extra [search]")

from retort.cli import app
from retort.inference.planning.toy_planner import TARGET, write_toy_planner

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_planner(tmp_path_factory.mktemp("planner") / "toy")


@pytest.fixture
def plan(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command with the toy planner in a folder that holds two stocks."""
    monkeypatch.chdir(tmp_path)
    Path("shelf.txt").write_text("CC(=O)O\nN#Cc1ccccc1\nnonsense\n")
    Path("empty.txt").write_text("")
    Path("junk.txt").write_text("nonsense\n")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["plan", *arguments, "--model", str(toy)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_a_route_is_printed_as_a_tree(plan: Command) -> None:
    result = plan(TARGET, "--stock", "shelf.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "route 1: 2 steps, longest line 2" in result.stdout
    assert "N#Cc1ccccc1  in stock" in result.stdout
    assert "Stock shelf.txt: 1 entries could not be read, 2 were." in result.stdout


def test_json_is_one_line(plan: Command) -> None:
    result = plan(TARGET, "-s", "shelf.txt", "-f", "json", "--search", "mcts", "-n", "1", "-k", "4", "--depth", "3")
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert told["status"] == "ok"
    assert told["search"] == {
        "algorithm": "mcts",
        "routes": 1,
        "top_k": 4,
        "depth": 3,
        "expansions": 100,
        "timeout": 60.0,
        "seed": 0,
    }


def test_a_page_is_printed_and_a_folder_written(plan: Command) -> None:
    result = plan(TARGET, "-s", "shelf.txt", "-f", "html", "-o", "out")
    assert result.stdout.startswith("<!doctype html>")
    assert result.stderr == "out: plan.json, routes.json, plan.html, route_1.svg\n"
    assert len(list(Path("out").iterdir())) == 4


@pytest.mark.parametrize(("target", "status"), [("CCCC", "no_answer"), ("C1CC", "invalid_input")])
def test_a_target_without_route_leaves_with_one(plan: Command, target: str, status: str) -> None:
    result = plan(target, "-s", "shelf.txt", "-f", "json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, status)
    assert status.replace("_", " ") in plan(target, "-s", "shelf.txt").stdout


def test_a_target_in_stock(plan: Command) -> None:
    bought = plan("CC(=O)O", "-s", "shelf.txt")
    assert bought.exit_code == 0
    assert "route 1: in stock" in bought.stdout
    assert "The target is in stock" in bought.stdout
    assert plan("CC(=O)O", "-s", "shelf.txt", "--make-anyway").exit_code == 1


@pytest.mark.parametrize("stock", ["empty.txt", "junk.txt", "none.txt", "shelf.pdf"])
def test_a_stock_without_molecules_is_wrong_usage(plan: Command, stock: str) -> None:
    result = plan(TARGET, "--stock", stock)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no stock to plan from: ")
    assert result.stderr.count("\n") == 1


def test_options_that_cannot_be_are_wrong_usage(plan: Command) -> None:
    assert plan(TARGET).exit_code == 2
    assert plan(TARGET, "-s", "shelf.txt", "--routes", "0").exit_code == 2
    assert plan(TARGET, "-s", "shelf.txt", "--search", "astar").exit_code == 2
    assert plan(TARGET, "-s", "shelf.txt", "--output", "a.pdf").exit_code == 2


def test_a_missing_extra_is_named() -> None:
    program = "import sys; sys.modules['syntheseus'] = None; from retort.cli import main; main()"
    command = [sys.executable, "-c", program, "plan", "CCO", "--stock", "shelf.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("error: planning needs the extra [search]. Install it with: pip install 'retort[search]'.\n")
