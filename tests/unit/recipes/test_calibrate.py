"""From kept predictions to a calibration file, its figures and its diagram."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retort.config import build
from retort.errors import DataError, UsageError
from retort.evaluation.calibration import Calibration
from retort.evaluation.predictions import Candidate, Header, Prediction, PredictionWriter
from retort.inference.model_folder import CARD, seal
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.recipes.calibrate import CalibrateConfig, calibrate

TASK = "forward_prediction"


def write(
    path: Path, rows: int, seed: int, task: str = TASK, proposer: str = "language_model", model: str = "toy"
) -> str:
    """Write predictions whose first candidate is right half as often as its score claims."""
    rng = np.random.default_rng(seed)
    with PredictionWriter(path, Header(task, model, 10)) as writer:
        for index in range(rows):
            claimed = float(rng.uniform(0.2, 0.9))
            target = "C" if rng.random() < claimed / 2 else "CC"
            pairs = (("C", claimed), ("CCC", (1 - claimed) / 2))
            found = tuple(Candidate(smiles, float(np.log(p)), proposer) for smiles, p in pairs)
            writer.write(Prediction(index, "CO", target, "ok", "", found))
    return str(path)


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    return {
        "task": "forward",
        "model": str(write_toy_model(tmp_path / "toy")),
        "predictions": [write(tmp_path / "a.jsonl", 200, 0), write(tmp_path / "b.jsonl", 100, 1)],
        "test": [write(tmp_path / "t.jsonl", 300, 2)],
        "output": str(tmp_path / "out"),
    }


def run(values: dict[str, Any]) -> Path:
    return calibrate(build(CalibrateConfig, values, "test"))


def test_confidence_is_fitted_and_judged(values: dict[str, Any]) -> None:
    path = run(values)
    assert path.name == f"{TASK}.json"
    assert Calibration.load(path).rows == 300
    report = json.loads(path.with_suffix(".report.json").read_text())
    fitting, test = report["rows"].values()
    for judged in (fitting, test):
        assert judged["before"]["first"]["error"] > 0.2
        assert judged["after"]["first"]["error"] < 2.5 * judged["after"]["first"]["chance"]
        assert judged["after"]["first"]["brier"] < judged["before"]["first"]["brier"]
    assert test["after"]["first"]["n"] == 300
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "300 fitting rows, out of fold" in path.with_suffix(".txt").read_text()


def test_the_model_then_answers_with_confidence(values: dict[str, Any]) -> None:
    fitted = run(values)
    folder = Path(values["model"])
    (folder / "calibration").mkdir()
    (folder / "calibration" / fitted.name).write_bytes(fitted.read_bytes())
    card = json.loads((folder / CARD).read_text())
    card["tasks"][TASK]["calibration"] = f"calibration/{fitted.name}"
    seal(folder, {key: card[key] for key in ("name", "release", "proposers", "tasks")})
    found = Predictor.load(str(folder)).forward_prediction("CC", 3)
    assert all(c.confidence is not None and 0 < c.confidence < 1 for c in found.candidates)


def test_fewer_test_rows_can_be_judged(values: dict[str, Any]) -> None:
    report = json.loads(run({**values, "test_rows": 50}).with_suffix(".report.json").read_text())
    assert [*report["rows"]][1].endswith("/t, 50 rows")


def test_predictions_of_another_task_or_proposer_are_refused(values: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds predictions of retrosynthesis"):
        run({**values, "predictions": [write(tmp_path / "r.jsonl", 30, 0, task="retrosynthesis")]})
    with pytest.raises(UsageError, match="holds predictions of another, not toy"):
        run({**values, "predictions": [write(tmp_path / "m.jsonl", 30, 0, model="another, class 3")]})
    with pytest.raises(UsageError, match="holds candidates of template_ranker"):
        run({**values, "predictions": [write(tmp_path / "p.jsonl", 30, 0, proposer="template_ranker")]})
    with pytest.raises(UsageError, match="no proposer"):
        run({**values, "proposer": "template_ranker"})


def test_few_predictions_are_refused(values: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        run({**values, "predictions": [write(tmp_path / "f.jsonl", 10, 0)]})


def test_a_task_the_model_does_not_know_is_refused(values: dict[str, Any]) -> None:
    card = json.loads((Path(values["model"]) / CARD).read_text())
    del card["tasks"][TASK]
    (Path(values["model"]) / CARD).write_text(json.dumps(card))
    with pytest.raises(UsageError, match="does not know forward_prediction"):
        run(values)
