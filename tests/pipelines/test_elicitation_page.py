"""The page of an elicitation, from a whole run: it says what the run holds and needs nothing from elsewhere."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.elicitation.frozen import FrozenTypes
from retort.errors import DataError, ModelError
from retort.recipes.elicitation_page import PageConfig, elicitation_page
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study import run_arm
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_scores import score_arm
from retort.training.config import TrainingConfig

TRAINING = TrainingConfig(
    total_tokens=2000, tokens_per_batch=1000, evaluate_tokens=1000, evaluate_rows=5, precision="fp32", device="cpu"
)


def arm(study: Path, knowledge: str) -> ArmConfig:
    """Train an arm of the study, next to nothing, and return it."""
    config = ArmConfig(
        study / "prepared",
        study / "row_types" / "output-3.npz",
        study / "elicited" / "encoder",
        study / "page_arms" / knowledge,
        TRAINING,
        max_length=24,
        watched=5,
        held_out=6,
        beams=(Beam(beam_size=2),),
    )
    config = replace(config, knowledge=knowledge)
    run_arm(config)
    score_arm(config)
    return config


def page(study: Path, tmp_path: Path, **changes: object) -> str:
    config = PageConfig(study / "elicited", tmp_path / "page.html", sample=60, exemplars=2, traced=2)
    return elicitation_page(replace(config, **changes)).read_text("utf-8")  # type: ignore[arg-type]


def test_a_page_shows_the_run_and_says_what_it_was_not_given(study: Path, tmp_path: Path) -> None:
    text = page(study, tmp_path)
    table = json.loads((study / "elicited" / "cells.json").read_text("utf-8"))["tasks"]["retrosynthesis"]
    for cell in table["cells"]:
        assert f"{cell['criterion']:.4f} ± {cell['standard_error']:.4f}" in text
    assert text.count('class="chosen"') == 1
    assert "none are compared" in text
    assert "nothing to trace" in text
    assert "<svg" in text
    assert re.findall(r"(?:src|href)=.(?!data:)", text) == []
    assert "<script" not in text


def test_types_are_named_by_what_their_rows_share(study: Path, tmp_path: Path) -> None:
    run = shutil.copytree(study / "elicited", tmp_path / "elicited")
    folder = run / "types" / "retrosynthesis"
    types = FrozenTypes.load(folder)
    classes = TypesOfRows.load(study / "row_types" / "output-3.npz").train.classes
    planted = replace(types, train=replace(types.train, labels=classes - 1))  # 0: amides, 1: esters
    planted.save(folder, types.encoder_folder(folder))
    text = page(study, tmp_path, run=run, names=False)
    assert FrozenTypes.load(folder).card.names == types.card.names
    assert text == page(study, tmp_path, run=run)
    names = FrozenTypes.load(folder).card.names
    assert names[:2] == ("0: acid halide broken", "1: carboxylic acid broken")
    assert names[2:] == tuple(map(str, range(2, types.card.types)))
    for name in names[:2]:
        assert f"</span>{name.replace(': ', ' · ')}<" in text


def test_answers_and_traces_of_arms(study: Path, tmp_path: Path) -> None:
    without, told = arm(study, "off"), arm(study, "out_of_fold")
    seeds = [config.output / "seed-0" for config in (without, told)]
    files = [seed / f"{Beam().name}.jsonl" for seed in seeds]
    text = page(study, tmp_path, without_types=files[0], with_types=files[1], arm=seeds[1])
    assert "Of 6 questions" in text
    assert text.count("The swap costs") == 2
    assert "nothing to trace" in page(study, tmp_path, arm=seeds[0])
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_text("".join(files[1].read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    with pytest.raises(DataError, match="different questions"):
        page(study, tmp_path, without_types=files[0], with_types=shorter)


def test_the_command_line_writes_the_page_beside_the_table(study: Path) -> None:
    places = [f"prepared={study / 'prepared'}", f"output={study / 'elicited'}"]
    result = CliRunner().invoke(app, ["elicit", str(study / "elicit.toml"), *places])
    assert result.exit_code == 0, result.stderr
    assert "a page that shows it" in result.stderr
    assert (study / "elicited" / "page.html").read_text("utf-8").endswith("</html>\n")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no finished elicitation"):
        elicitation_page(PageConfig(tmp_path, tmp_path / "page.html"))
