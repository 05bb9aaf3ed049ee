"""A model whose answers are re-ranked: fitted by the recipe, shipped in the folder, applied to its own answers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retort.config import build
from retort.errors import ConfigError, ModelError
from retort.evaluation.calibration import Calibration, Temperature
from retort.inference.calibrating import made_by
from retort.inference.model_folder import CARD, ModelFolder, seal
from retort.inference.predictor import Predictor
from retort.inference.reranking.reranker import Reranker
from retort.models.ranker import Ranker, RankerMeta
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.fit_reranker import FitRerankerConfig, fit_reranker
from retort.recipes.prepare import PrepareConfig, prepare

BITS = 64
AMIDE = "[C:1](=[O:2])-[NH;D2;+0:3]>>{}-[C:1](=[O:2]).[NH2;D1;+0:3]"
TEMPLATES = (AMIDE.format("Cl"), AMIDE.format("O"), AMIDE.format("Br"))
TASKS = {"retrosynthesis": [0.5, 0.3, 0.2], "forward_prediction": [0.2, 0.6, 0.2]}
QUERY = "CC(=O)NCc1ccccc1"
CHAINS = [f"{'C' * n}C(=O)O.NC{'C' * m}>>{'C' * n}C(=O)NC{'C' * m}" for n in range(1, 9) for m in range(4)]


def ranker(task: str, probabilities: list[float]) -> Ranker:
    """Return a network that gives every query the same probabilities."""
    weights = [np.zeros(shape, np.float32) for shape in ((BITS, 2), (2,), (2, 3))]
    meta = RankerMeta(task, "template", {"kind": "molecules", "bits": BITS}, "", 0)
    return Ranker(meta, *weights, np.log(np.array(probabilities, np.float32)), TEMPLATES, np.ones(3, np.int32))


def seal_model(folder: Path, *, entry: dict[str, Any] | None = None) -> None:
    proposers: dict[str, Any] = {
        task: {"kind": "template_ranker", "file": f"rankers/{task}.npz", "uses_class": True} for task in TASKS
    }
    proposers["language_model"] = {"kind": "language_model", "folder": "language_model", "engine": "toy"}
    team = {"proposers": ["retrosynthesis"], "on_request": ["language_model"]}
    retrosynthesis = {"trained": True, **team, **(entry or {})}
    values = {"name": "m", "release": "1", "proposers": proposers, "tasks": {"retrosynthesis": retrosynthesis}}
    seal(folder, values)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for task, probabilities in TASKS.items():
        ranker(task, probabilities).save(folder / "rankers" / f"{task}.npz")
    (folder / "language_model").mkdir()
    Vocabulary.build(()).save(folder / "language_model" / "vocabulary.json")
    seal_model(folder)
    return folder


@pytest.fixture
def config(model: Path, tmp_path: Path) -> FitRerankerConfig:
    """Prepare reactions in which acids, never chlorides, give amides, and describe the fit."""
    (tmp_path / "rows.txt").write_text("\n".join(CHAINS) + "\n")
    values = {
        "output": str(tmp_path / "prepared"),
        "sources": [{"name": "reaction_smiles", "path": str(tmp_path / "rows.txt")}],
        "hold_out": {"valid": 0.6, "test": 0.0},
    }
    prepare(build(PrepareConfig, values, "test"), say=lambda _: None)
    fitting = {
        "task": "retro",
        "prepared": str(tmp_path / "prepared"),
        "model": str(model),
        "output": str(tmp_path / "rerankers"),
        "scorer": "language_model",
        "judge": "forward_prediction",
        "penalties": [0.1],
    }
    return build(FitRerankerConfig, fitting, "test")


@pytest.fixture
def reranked(model: Path, config: FitRerankerConfig) -> Path:
    path = fit_reranker(config, say=lambda _: None)
    (model / "rerankers").mkdir()
    (model / "rerankers" / path.name).write_bytes(path.read_bytes())
    seal_model(model, entry={"reranker": f"rerankers/{path.name}"})
    return model


def answers(model: Path, top_k: int = 3, **options: Any) -> list[str]:
    found = Predictor.load(str(model), **options).retrosynthesis(QUERY, top_k)
    return [candidate.smiles for candidate in found.candidates]


def test_what_the_training_rows_know_comes_first(reranked: Path) -> None:
    found = Predictor.load(str(reranked)).retrosynthesis(QUERY, 3).candidates
    assert found[0].smiles == "CC(=O)O.NCc1ccccc1"
    assert sum(np.exp(c.score) for c in found) == pytest.approx(1)
    assert {c.proposer for c in found} == {"template_ranker"}


def test_alone_and_in_company_and_for_any_top_k_the_answer_is_the_same(reranked: Path) -> None:
    predictor = Predictor.load(str(reranked))
    alone = predictor.retrosynthesis(QUERY, 3).candidates
    company = predictor.predict("retrosynthesis", ["CCC(=O)NC", QUERY, "CCCC(=O)NCCO"], 3)
    assert company[1].candidates == alone
    assert predictor.retrosynthesis(QUERY, 1).candidates == alone[:1]
    assert predictor.retrosynthesis(QUERY, 40).candidates == alone


def test_answers_made_otherwise_are_left_as_they_are(reranked: Path) -> None:
    found = Predictor.load(str(reranked)).retrosynthesis(QUERY, 1, reaction_class=2).candidates
    assert found[0].smiles == "CC(=O)Cl.NCc1ccccc1"
    assert answers(reranked, proposer="language_model")[0] == f"{QUERY}.O"


def test_a_confidence_belongs_to_the_re_ranker_it_was_fitted_with(reranked: Path) -> None:
    def entry() -> dict[str, Any]:
        return dict(json.loads((reranked / CARD).read_text())["tasks"]["retrosynthesis"])

    made = made_by(ModelFolder.open(str(reranked)), "retrosynthesis", ["retrosynthesis"], None, class_given=False)
    curve = Temperature(1.0, 0.0, 0.0)
    Calibration("retrosynthesis", "temperature", 10, made, 9, "", temperature=curve).save(reranked / "sure.json")
    seal_model(reranked, entry=entry() | {"calibration": "sure.json"})
    assert Predictor.load(str(reranked)).retrosynthesis(QUERY, 1).candidates[0].confidence is not None
    file = reranked / entry()["reranker"]
    found = Reranker.load(file)
    replace(found, meta=replace(found.meta, pool=found.meta.pool + 1)).save(file)
    seal_model(reranked, entry=entry())
    assert Predictor.load(str(reranked)).retrosynthesis(QUERY, 1).candidates[0].confidence is None


def test_another_language_model_is_refused(reranked: Path) -> None:
    (reranked / "language_model" / "vocabulary.json").write_text('{"version": 1, "tokens": ["<pad>", "</s>"]}')
    entry = json.loads((reranked / CARD).read_text())["tasks"]["retrosynthesis"]
    seal_model(reranked, entry=entry)
    with pytest.raises(ModelError, match="fitted with another 'language_model'"):
        answers(reranked)


def test_another_team_is_refused(reranked: Path) -> None:
    entry = json.loads((reranked / CARD).read_text())["tasks"]["retrosynthesis"]
    seal_model(reranked, entry=entry | {"proposers": ["retrosynthesis", "language_model"]})
    with pytest.raises(ModelError, match="fitted for retrosynthesis answers of retrosynthesis"):
        answers(reranked)


def test_a_ranker_cannot_serve_as_language_model(model: Path, config: FitRerankerConfig) -> None:
    wrong = build(FitRerankerConfig, {**vars(config), "scorer": "retrosynthesis"}, "test")
    with pytest.raises(ModelError, match="cannot serve a re-ranker as its scorer"):
        fit_reranker(wrong, say=lambda _: None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judge": None}, "'opposite' need the key 'judge'"),
        ({"groups": ["shapes"]}, "no group of columns 'shapes'"),
        ({"scorer": None, "groups": ["train"], "language_model": "x"}, "takes the place of the scorer"),
    ],
)
def test_columns_without_their_source_are_refused(
    change: dict[str, Any], message: str, config: FitRerankerConfig
) -> None:
    with pytest.raises(ConfigError, match=message):
        fit_reranker(build(FitRerankerConfig, {**vars(config), **change}, "test"), say=lambda _: None)


def test_the_fit_is_repeated_from_kept_columns_and_reported(config: FitRerankerConfig) -> None:
    first = Reranker.load(fit_reranker(config, say=lambda _: None))
    kept = sorted((config.output / "cases").iterdir())
    again = Reranker.load(fit_reranker(config, say=lambda _: None))
    assert sorted((config.output / "cases").iterdir()) == kept
    assert (again.fit.weights == first.fit.weights).all()
    report = json.loads((config.output / "retrosynthesis.metrics.json").read_text())
    whole = report["proposers + shape + train + opposite + likelihood"]
    assert whole["before"]["exact_match@1"][0] == 0
    assert whole["after"]["exact_match@1"][0] == whole["difference"]["exact_match@1"][0] == 1
    assert report["proposers"]["difference"]["exact_match@1"] == [0, 0, 0]
