"""From planted reactions to frozen types and a labelled table, by the shipped configuration; and by longer ways."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.config import load
from retort.data.collate import PreparedFolder
from retort.elicitation.clustering import adjusted_rand
from retort.elicitation.frozen import FrozenTypes
from retort.errors import ConfigError, UnknownNameError
from retort.inference.questions import ask, plain
from retort.models import checkpoint
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.annotate import AnnotateRequest, annotate
from retort.recipes.elicit import elicit
from retort.recipes.elicitation_config import ElicitConfig, PlantedSet
from retort.recipes.elicitation_rows import Choice, chosen_rows
from retort.recipes.planted_folder import write_planted

TASK = "forward_prediction"
CONFIG = Path("configs") / "elicit" / "planted.toml"
SMALL = (
    "planted.rows=150",
    "types=[3, 4]",
    'encodings=["output", "difference"]',
    "planted.types=4",
    "search.rows=[1.0]",
)


def run(repository: Path, folder: Path, *overrides: str) -> tuple[dict[str, Any], list[str]]:
    """Elicit with the shipped configuration into a folder; return what it says of the task, and what was said."""
    said: list[str] = []
    places = [f"output={folder}", f"prepared={folder / 'prepared'}"]
    path = elicit(load(ElicitConfig, repository / CONFIG, [*places, *overrides]), said.append)
    return json.loads(path.read_text("utf-8"))["tasks"][TASK], said


@pytest.mark.slow
def test_planted_types_are_recovered_by_the_criterion_alone(repository: Path, tmp_path: Path) -> None:
    table, _ = run(repository, tmp_path)
    cells = {(row["encoding"], row["types"]): row for row in table["cells"]}
    assert len(cells) == 12
    assert table["chosen"] == {"encoding": "output", "types": 6, "rule": "search"}
    assert cells["output", 6]["planted_adjusted_rand"] >= 0.9
    assert table["rules"]["accuracy"] != {"encoding": "output", "types": 6}
    assert table["search"]["share"] < 1
    held_out = tmp_path / "prepared" / f"planted.{TASK}.csv"
    done = annotate(AnnotateRequest(held_out, tmp_path / "types" / TASK, tmp_path / "labelled.csv"))
    assert (done.rows, done.refused) == (150, ())
    found = pl.read_csv(tmp_path / "labelled.csv")
    assert adjusted_rand(found["reaction_type"].to_numpy(), found["planted"].to_numpy()) >= 0.9


def test_what_is_done_is_not_done_again_and_nothing_else_is_mixed_in(repository: Path, tmp_path: Path) -> None:
    first, said = run(repository, tmp_path, *SMALL)
    assert sum("round 0" in line for line in said) == 4
    again, said = run(repository, tmp_path, *SMALL)
    assert again == first
    assert not any("round" in line or "embedding" in line for line in said)
    more, said = run(repository, tmp_path, *SMALL, "types=[3, 4, 5]")
    assert sum("round 0" in line for line in said) == 2
    assert len(more["cells"]) == 6
    with pytest.raises(ConfigError, match="other settings"):
        run(repository, tmp_path, *SMALL, "feedback.starts=3")
    with pytest.raises(ConfigError, match="another elicitation"):
        run(repository, tmp_path, *SMALL, "model.d_model=32")


def test_queries_are_asked_as_the_rows_were_that_types_come_from(repository: Path, tmp_path: Path) -> None:
    write_planted(tmp_path / "prepared", PlantedSet(60, 10))
    folder = PreparedFolder.open(tmp_path / "prepared", verify=True)
    vocabulary = Vocabulary.load(tmp_path / "prepared" / "vocabulary.json")
    _, pairs = chosen_rows(folder, Choice(TASK, (), 100, 400, 0))
    prompts = [vocabulary.decode(list(source)) for source, _ in pairs]
    assert len(prompts) == 48
    assert [plain(ask(TASKS.get(TASK), text.removeprefix(f"<{TASK}>"))).prompt for text in prompts] == prompts


def test_the_cheap_way_measures_only_what_the_search_kept(repository: Path, tmp_path: Path) -> None:
    table, _ = run(repository, tmp_path, *SMALL, "search.rows=[0.5, 1.0]", "search.whole_grid=false", "search.keep=0.5")
    assert len(table["cells"]) == 2
    assert table["search"]["share"] == (4 * 60 + 2 * 120) / (4 * 120)
    assert table["search"]["rungs"][0]["rows"] == 60


def test_a_control_is_measured_and_never_chosen(repository: Path, tmp_path: Path) -> None:
    given = (*SMALL, "search.rows=[0.5, 1.0]", "search.whole_grid=false", "search.keep=0.5", "types=[3]")
    table, _ = run(repository, tmp_path, *given, 'encodings=["output", "input"]')
    measured = {row["encoding"]: row for row in table["cells"]}
    assert set(measured) == {"output", "input"}
    assert measured["input"]["accuracy"] >= measured["output"]["accuracy"]  # of equals, the first name would win
    assert table["rules"]["accuracy"]["encoding"] == "output"
    assert [cell["encoding"] for rung in table["search"]["rungs"] for cell in rung["criterion"]] == ["output"] * 2
    alone, _ = run(repository, tmp_path / "alone", *given, 'encodings=["input"]')
    assert alone["chosen"]["encoding"] == "input"


def test_cells_that_cannot_be_are_told_and_the_others_go_on(repository: Path, tmp_path: Path) -> None:
    table, _ = run(repository, tmp_path, *SMALL, "types=[4, 121]")
    assert {row["types"] for row in table["cells"]} == {4}
    assert set(table["failed"]) == {"output, 121 types", "difference, 121 types"}
    assert "too few" in table["failed"]["output, 121 types"] or "cannot make" in table["failed"]["output, 121 types"]


def test_wrong_names_are_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'difference'"):
        run(repository, tmp_path, 'encodings=["diference"]')
    with pytest.raises(UnknownNameError, match="task"):
        run(repository, tmp_path, *SMALL, 'tasks=["retrosynthesis"]')
    with pytest.raises(ConfigError, match="no cell"):
        run(repository, tmp_path, "types=[]")


def test_an_encoder_learns_from_one_start_and_a_language_model_scores_the_types(
    repository: Path, tmp_path: Path
) -> None:
    learning = ("feedback.rounds=2", "training.total_tokens=60_000", "training.tokens_per_batch=1024")
    rates = ("training.peak_learning_rate=3e-3", "training.warmup_tokens=2000", "training.evaluate_tokens=30_000")
    one = ("types=[4]", 'encodings=["output"]', 'reading="scored"')
    table, _ = run(repository, tmp_path, *SMALL, *one, *learning, *rates)
    (cell,) = table["cells"]
    place = tmp_path / "cells" / TASK / "output-4" / "rows-120"
    start = checkpoint.weights_sha256(tmp_path / "encoder")
    learned = sorted(place.glob("learn-*/final"))
    assert learned
    assert all(checkpoint.read_card(folder)["parents"] == [start] for folder in learned)
    assert cell["rounds"] == 2
    rounds = [json.loads((place / f"round-{i}.json").read_text("utf-8")) for i in range(2)]
    assert (
        rounds[0]["encoder_sha256"]
        != rounds[1]["encoder_sha256"]
        == FrozenTypes.load(place / "round-1").card.encoder_sha256
    )
    frozen = FrozenTypes.load(tmp_path / "types" / TASK)
    assert frozen.card.reading == "scored"
    assert frozen.head is None
    assert frozen.card.encoder_sha256 == rounds[cell["best_round"]]["encoder_sha256"]
    held_out = tmp_path / "prepared" / f"planted.{TASK}.csv"
    done = annotate(AnnotateRequest(held_out, tmp_path / "types" / TASK, tmp_path / "labelled.jsonl"))
    assert (done.rows, done.refused) == (30, ())


def test_the_command_line_prints_where_the_table_is(repository: Path, tmp_path: Path) -> None:
    places = [f"output={tmp_path}", f"prepared={tmp_path / 'prepared'}"]
    result = CliRunner().invoke(app, ["elicit", str(repository / CONFIG), *places, *SMALL, "types=[4]"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'cells.json'}\n"
    assert "chooses output, 4 types" in result.stderr
    assert "no page: " in result.stderr  # planted reactions have no records
    wrong = CliRunner().invoke(app, ["elicit", str(repository / CONFIG), "type=[4]"])
    assert wrong.exit_code == 2
    assert "Did you mean 'types'?" in wrong.stderr


BARE = """
import sys


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)


sys.meta_path.insert(0, Block())
from retort.recipes.elicit import main

sys.exit(main(sys.argv[1:]))
"""


def bare(blocked: set[str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the recipe in a process of its own that lacks some libraries."""
    command = [sys.executable, "-c", BARE.replace("BLOCKED", repr(blocked)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_bare_machine_elicits_the_same_types(repository: Path, tmp_path: Path) -> None:
    here, _ = run(repository, tmp_path, *SMALL)
    places = [f"output={tmp_path / 'bare'}", f"prepared={tmp_path / 'prepared'}"]
    done = bare({"rdkit", "polars", "pydantic"}, repository / CONFIG, *places, *SMALL)
    assert done.returncode == 0, done.stderr
    there = json.loads((tmp_path / "bare" / "cells.json").read_text("utf-8"))["tasks"][TASK]
    assert {**there, "frozen": ""} == {**here, "frozen": ""}


def test_without_torch_the_extra_is_named(repository: Path, tmp_path: Path) -> None:
    done = bare({"torch", "transformers"}, repository / CONFIG, f"output={tmp_path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Install it with: pip install 'retort[train]'.\n")
