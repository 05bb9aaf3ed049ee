"""Confidence in answers: filled for exactly the answers a calibration was fitted for, and for no others."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ModelError
from retort.evaluation.calibration import Calibration, Temperature
from retort.inference.calibrating import made_by
from retort.inference.model_folder import CARD, ModelFolder, seal
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model

FILE = "calibration/forward_prediction.json"
CURVE = Temperature(2.0, -0.5, 0.0)
Change = Callable[[dict[str, Any]], None]


def resealed(folder: Path, change: Change) -> None:
    card = json.loads((folder / CARD).read_text())
    change(card)
    seal(folder, {key: card[key] for key in ("name", "release", "proposers", "tasks")})


def add_calibration(card: dict[str, Any]) -> None:
    card["tasks"]["forward_prediction"]["calibration"] = FILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a toy model with a calibration of forward prediction."""
    path = write_toy_model(tmp_path / "toy")
    made = made_by(ModelFolder.open(str(path)), "forward_prediction", ["language_model"], None, class_given=False)
    Calibration("forward_prediction", "temperature", 10, made, 9, "", temperature=CURVE).save(path / FILE)
    resealed(path, add_calibration)
    return path


def confidences(predictor: Predictor, top_k: int = 10, query: str = "CC") -> list[float | None]:
    return [c.confidence for c in predictor.forward_prediction(query, top_k).candidates]


def test_confidence_is_what_the_formula_says(folder: Path) -> None:
    found = Predictor.load(str(folder)).forward_prediction("CC", 10)
    masses = [math.exp(c.score / CURVE.temperature) for c in found.candidates]
    rest = math.exp(CURVE.none)
    expected = [mass / (rest + sum(masses)) for mass in masses]
    assert [c.confidence for c in found.candidates] == pytest.approx(expected, abs=2e-6)
    assert found.to_dict()["candidates"][0]["confidence"] == found.candidates[0].confidence


def test_confidences_of_one_query_sum_to_one_at_most_and_do_not_rise(folder: Path) -> None:
    found = [c for c in confidences(Predictor.load(str(folder))) if c is not None]
    assert len(found) == 9  # the tenth candidate was the query itself
    assert sum(found) <= 1
    assert found == sorted(found, reverse=True)


def test_a_short_answer_has_the_confidences_of_a_long_one(folder: Path) -> None:
    predictor = Predictor.load(str(folder))
    assert confidences(predictor, 3) == confidences(predictor, 10)[:3]


def test_ranks_below_the_fitted_ones_have_none(folder: Path) -> None:
    found = confidences(Predictor.load(str(folder)), 12)
    assert None not in found[:10]
    assert found[10:] == [None] * (len(found) - 10)
    assert len(found) > 10


def test_other_tasks_have_none(folder: Path) -> None:
    found = Predictor.load(str(folder)).retrosynthesis("CCO", 2)
    assert [c.confidence for c in found.candidates] == [None, None]


def test_asking_the_same_proposer_by_name_changes_nothing(folder: Path) -> None:
    alone = Predictor.load(str(folder), proposer="language_model")
    assert confidences(alone) == confidences(Predictor.load(str(folder)))


def test_more_spellings_are_other_answers(folder: Path) -> None:
    assert set(confidences(Predictor.load(str(folder), augmentations=5))) == {None}
    assert None not in confidences(Predictor.load(str(folder), augmentations=1))  # the model's own number


def second_proposer(card: dict[str, Any]) -> None:
    card["proposers"]["second"] = dict(card["proposers"]["language_model"])
    card["tasks"]["forward_prediction"]["proposers"] = ["language_model", "second"]


def larger_beam(card: dict[str, Any]) -> None:
    card["proposers"]["language_model"]["beam_size"] = 20


def class_known(card: dict[str, Any]) -> None:
    card["proposers"]["language_model"]["uses_class"] = True


@pytest.mark.parametrize("change", [second_proposer, larger_beam])
def test_other_proposers_have_none(folder: Path, change: Change) -> None:
    resealed(folder, change)
    assert set(confidences(Predictor.load(str(folder)))) == {None}


def test_other_weights_have_none(folder: Path) -> None:
    (folder / "language_model" / "more.txt").write_text("another model")
    resealed(folder, lambda card: None)
    assert set(confidences(Predictor.load(str(folder)))) == {None}


def test_a_known_class_makes_other_answers(tmp_path: Path) -> None:
    path = write_toy_model(tmp_path / "toy")
    resealed(path, class_known)
    opened = ModelFolder.open(str(path))
    made = made_by(opened, "retrosynthesis", ["language_model"], None, class_given=True)
    file = "calibration/retrosynthesis.json"
    Calibration("retrosynthesis", "temperature", 10, made, 9, "", temperature=CURVE).save(path / file)
    resealed(path, lambda card: card["tasks"]["retrosynthesis"].update(calibration=file))
    predictor = Predictor.load(str(path))
    stated = predictor.retrosynthesis("CCO", 1, reaction_class=3).candidates[0]
    unstated = predictor.retrosynthesis("CCO", 1).candidates[0]
    assert stated.confidence is not None
    assert unstated.confidence is None


def test_an_ignored_class_makes_the_same_answers(folder: Path) -> None:
    predictor = Predictor.load(str(folder))
    (ignored,) = predictor.predict("forward", ["CC"], reaction_class=3)
    assert [c.confidence for c in ignored.candidates] == confidences(predictor)


def test_a_damaged_calibration_stops_the_call(folder: Path) -> None:
    (folder / FILE).write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        Predictor.load(str(folder)).forward_prediction("CC")
    resealed(folder, lambda card: None)
    with pytest.raises(ModelError, match="cannot read the calibration"):
        Predictor.load(str(folder)).forward_prediction("CC")


def test_the_calibration_of_another_task_is_not_used(folder: Path) -> None:
    resealed(folder, lambda card: card["tasks"]["retrosynthesis"].update(calibration=FILE))
    found = Predictor.load(str(folder)).retrosynthesis("CCO", 1)
    assert found.candidates[0].confidence is None
