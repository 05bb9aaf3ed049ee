"""What a card keeps, what a change of it replaces, and that its page is written from it alone."""

import json
from pathlib import Path

import pytest

from retort.errors import ConfigError, ModelError
from retort.inference.model_folder import ModelFolder
from retort.recipes.card import FIGURES, Card, CardChange, CardConfig, Figure
from retort.recipes.card_page import README, write_card

MANIFEST = {
    "counts": {"records": {"a/train": 7, "a/test": 2}, "leak_rule": {"dropped": {"a: same": 1}, "kept_inside": {}}},
    "files": {"records.parquet": "0" * 64},
}
VALUES = {
    "name": "small",
    "release": "1",
    "tasks": {"retrosynthesis": {"trained": False, "reason": "no rows", "proposers": ["one"], "on_request": []}},
}


def _report(path: Path, top1: float) -> Path:
    report = {"n": 200, "metrics": {"exact_match@1": top1}, "intervals": {"exact_match@1": [top1 - 0.1, top1 + 0.1]}}
    path.write_text(json.dumps(report), "utf-8")
    return path


def _calibration(path: Path, task: str, error: float) -> Path:
    rows = {"part C": {"before": {"first": {"error": 0.3}}, "after": {"first": {"error": error, "chance": 0.01}}}}
    path.write_text(json.dumps({"task": task, "method": "isotonic", "rows": rows}), "utf-8")
    return path


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """Return a card of two figures and two calibrations."""
    return Card.of(
        CardConfig(
            "What it is.",
            limits=("It is small.",),
            figures=tuple(Figure(name, _report(tmp_path / f"{name}.json", 0.5)) for name in ("first", "second")),
            calibrations=tuple(
                _calibration(tmp_path / f"{task}.json", task, 0.1) for task in ("retrosynthesis", "forward_prediction")
            ),
        ),
        MANIFEST,
    )


def test_a_saved_card_is_read_as_it_was(card: Card, tmp_path: Path) -> None:
    """Nothing is lost on the way."""
    card.save(tmp_path)
    assert Card.load(tmp_path) == card


def test_the_page_says_what_the_card_holds(card: Card, tmp_path: Path) -> None:
    write_card(tmp_path, VALUES, card)
    page = (tmp_path / README).read_text("utf-8")
    for line in ("# small 1", "| first | 200 | 50.0 [40.0, 60.0] | - | - | - | - |", "| a | 7 |", "- a: same: 1"):
        assert line in page.splitlines()
    assert "no: no rows" in page


def test_a_change_replaces_by_name_and_keeps_the_rest(card: Card, tmp_path: Path) -> None:
    change = CardChange(
        introduction="Better.",
        figures=(
            Figure("second", _report(tmp_path / "new.json", 0.7)),
            Figure("third", _report(tmp_path / "3.json", 0.8)),
        ),
        calibrations=(_calibration(tmp_path / "c.json", "retrosynthesis", 0.02),),
        sections={"News": "\nWords.\n"},
    )
    new = card.changed(change)
    assert [(f.label, f.metrics["exact_match@1"][0]) for f in new.figures] == [
        ("first", 0.5),
        ("second", 0.7),
        ("third", 0.8),
    ]
    assert {row.task: row.calibrated for row in new.confidence} == {"retrosynthesis": 0.02, "forward_prediction": 0.1}
    assert (new.introduction, new.sections, new.limits) == ("Better.", {"News": "Words."}, card.limits)
    assert new.changed(CardChange(without=("first",), sections={"News": ""})).sections == {}


def test_a_figure_that_is_not_there_cannot_be_left_out(card: Card) -> None:
    with pytest.raises(ConfigError, match="zeroth"):
        card.changed(CardChange(without=("zeroth",)))


def test_a_readme_without_figures_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / README).write_text("# old", "utf-8")
    with pytest.raises(ModelError, match=FIGURES):
        Card.load(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FIGURES).write_text('{"figures": 3}', "utf-8")
    with pytest.raises(ModelError, match=FIGURES):
        Card.load(tmp_path)


def test_the_page_of_the_embedded_model_is_that_of_its_figures(tmp_path: Path) -> None:
    """Nobody has written into the page by hand."""
    folder = ModelFolder.open("retort-base").path
    write_card(tmp_path, json.loads((folder / "model.json").read_text("utf-8")), Card.load(folder))
    assert (tmp_path / README).read_text("utf-8") == (folder / README).read_text("utf-8")
