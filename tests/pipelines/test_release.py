"""From prepared data and trained parts to a model folder that answers, with a card that holds measured figures."""

import json
from pathlib import Path

import pytest

from retort.config import build
from retort.errors import DataError
from retort.inference.model_folder import ModelFolder
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.recipes.prepare import PrepareConfig, prepare
from retort.recipes.release import ReleaseConfig, release

REPORT = {
    "task": "retrosynthesis",
    "n": 1234,
    "model": "toy",
    "metrics": {"exact_match@1": 0.125, "validity@1": 1.0},
    "intervals": {"exact_match@1": [0.1, 0.15], "validity@1": [1.0, 1.0]},
}


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "rows.txt").write_text("CC(=O)Cl.CN>>CNC(C)=O\nCC(=O)Cl.CCN>>CCNC(C)=O\n")
    sources = [{"name": "reaction_smiles", "path": str(tmp_path / "rows.txt")}]
    no_hold_out = {"valid": 0.0, "test": 0.0}
    values = {"output": str(tmp_path / "prepared"), "sources": sources, "hold_out": no_hold_out}
    prepare(build(PrepareConfig, values, "test"), say=lambda _: None)
    write_toy_model(tmp_path / "toy")
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    return {
        "output": str(tmp_path / "model"),
        "name": "assembled",
        "release": "1.0",
        "prepared": str(tmp_path / "prepared"),
        "proposers": {"language_model": {"kind": "language_model", "path": str(tmp_path / "toy"), "engine": "toy"}},
        "tasks": {
            "retrosynthesis": {"trained": True, "proposers": ["language_model"]},
            "forward_prediction": {"trained": False, "reason": "too weak"},
        },
        "card": {
            "introduction": "A model for a test.",
            "figures": [{"label": "toy rows", "report": str(tmp_path / "report.json")}],
        },
    }


def test_the_folder_answers_and_knows_its_training_rows(parts: dict[str, object]) -> None:
    folder = release(build(ReleaseConfig, parts, "test"), say=lambda _: None)
    predictor = Predictor.load(str(folder))
    seen, unseen = predictor.predict("retrosynthesis", ["C(NC)(C)=O", "CCCO"])
    assert "is in the training data" in seen.message
    assert "is not in the training data" in unseen.message
    assert predictor.predict("forward_prediction", ["CCO.C"])[0].status == "no_answer"


def test_it_knows_what_is_far_from_its_training_rows(parts: dict[str, object]) -> None:
    folder = release(build(ReleaseConfig, parts, "test"), say=lambda _: None)
    near, far = Predictor.load(str(folder)).retrosynthesis(["CNC(C)=O", "c1ccccc1"], explain={"distance"})
    assert "Far from" not in near.message
    assert "Far from the training data: 3 of the query's 3 atom environments" in far.message


def test_a_language_model_that_is_asked_in_two_ways_is_there_once(parts: dict[str, object]) -> None:
    toy = parts["proposers"]["language_model"]  # type: ignore[index]
    parts["proposers"] = {"language_model": {**toy, "augmentations": 3}, "asked_once": toy}
    parts["tasks"] = {
        "retrosynthesis": {"trained": True, "proposers": ["language_model"]},
        "forward_prediction": {"trained": True, "proposers": ["asked_once"]},
    }
    folder = release(build(ReleaseConfig, parts, "test"), say=lambda _: None)
    assert not (folder / "asked_once").exists()
    proposers = ModelFolder.open(str(folder)).card.proposers
    assert (proposers["language_model"].augmentations, proposers["asked_once"].augmentations) == (3, 1)
    assert (
        Predictor.load(str(folder)).predict("forward_prediction", ["CCO.C"])[0].candidates[0].proposer
        == "language_model"
    )


def test_the_card_holds_the_measured_figures(parts: dict[str, object]) -> None:
    folder = release(build(ReleaseConfig, parts, "test"), say=lambda _: None)
    card = (folder / "README.md").read_text()
    assert "| toy rows | 1,234 | 12.5 [10.0, 15.0] | - | - | - | 100.0 [100.0, 100.0] |" in card
    assert "no: too weak" in card
    provenance = ModelFolder.open(str(folder)).card.provenance
    assert provenance is not None
    assert provenance["train_records"] == {"reaction_smiles/train": 2}


def test_the_card_holds_calibration_and_audit(parts: dict[str, object], tmp_path: Path) -> None:
    first = {name: {"first": {"error": error, "chance": 0.01}} for name, error in (("before", 0.2), ("after", 0.05))}
    calibration = {"task": "retrosynthesis", "method": "temperature", "rows": {"50 rows": first}}
    (tmp_path / "c.report.json").write_text(json.dumps(calibration))
    audited = {
        "rows": 1000,
        "leaks": {"same_product": 0, "same_molecule": None},
        "within_split": {"same_product": 7, "same_molecule": None},
    }
    (tmp_path / "audit.json").write_text(json.dumps({"train_rows": 2, "parts": {"test": audited}}))
    words = {
        "introduction": "-",
        "calibrations": [str(tmp_path / "c.report.json")],
        "audit": str(tmp_path / "audit.json"),
    }
    card = (
        release(build(ReleaseConfig, {**parts, "card": words}, "test"), say=lambda _: None) / "README.md"
    ).read_text()
    assert "| retrosynthesis | temperature | 50 rows | 0.200 | 0.050 | 0.010 |" in card
    assert "| held-out rows | n | same molecule | same product |" in card
    assert "| test | 1,000 | - | 0 (7) |" in card


def test_a_missing_part_is_named(parts: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "report.json").unlink()
    with pytest.raises(DataError, match="toy rows"):
        release(build(ReleaseConfig, parts, "test"), say=lambda _: None)
