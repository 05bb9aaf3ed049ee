"""Boosted trees as arrays: LightGBM's own scores, files, damage, and an order that weights cannot give."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from retort.errors import DataError, ModelError
from retort.inference.reranking.fitting import Case, fit, mean_loss
from retort.inference.reranking.reranker import Reranker, RerankerMeta
from retort.inference.reranking.trees import Trees, grow
from retort.models.trees import LEAF, Growth

COLUMNS = ("a", "b", "c")


def cases(questions: int, seed: int = 0) -> list[Case]:
    """Questions whose right answer is the candidate with a and b of equal sign: no weighted sum can tell."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(questions):
        values = random.normal(size=(6, 3))
        right = np.zeros(6, bool)
        place = random.integers(6)
        values[:, 1] = -np.sign(values[:, 0]) * abs(values[:, 1])
        values[place, 1] *= -1
        right[place] = True
        found.append(Case(values, right))
    return found


@pytest.fixture(scope="module")
def trees() -> Trees:
    return grow(cases(400), Growth(trees=40, least=20))


def hits(found: object, rows: list[Case]) -> float:
    return float(np.mean([case.right[found.order(case.values)[0]] for case in rows]))  # type: ignore[attr-defined]


def test_what_weights_cannot_tell_trees_can(trees: Trees) -> None:
    fresh = cases(200, seed=1)
    assert hits(trees, fresh) > 0.9
    assert hits(fit(cases(400), 0.01), fresh) < 0.4


def test_scores_are_lightgbms(trees: Trees) -> None:
    rows = cases(400)
    values, labels = np.concatenate([c.values for c in rows]), np.concatenate([c.right for c in rows]).astype(int)
    settings = {"objective": "lambdarank", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 20}
    settings |= {"bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.8, "seed": 0}
    settings |= {"deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(values, labels, group=[6] * 400), num_boost_round=40)
    assert trees.forest.scores(values) == pytest.approx(booster.predict(values), abs=1e-12)
    assert grow(rows, Growth(trees=40, least=20)).arrays()["value"].tolist() == trees.forest.value.tolist()


def test_probabilities_add_up_and_follow_the_scale(trees: Trees) -> None:
    values = cases(1)[0].values
    for scale in (0.5, 3.0):
        assert np.exp(trees.scaled(scale).log_probabilities(values)).sum() == pytest.approx(1.0)
    assert trees.scaled(0.5).order(values) == trees.scaled(3.0).order(values)
    assert mean_loss(cases(50), trees.scaled(2.0)) != mean_loss(cases(50), trees)


def test_a_file_keeps_them_and_damage_is_seen(trees: Trees, tmp_path: Path) -> None:
    meta = RerankerMeta("retrosynthesis", COLUMNS, ("x",), None, None, 10, "0")
    Reranker(meta, trees.scaled(1.5)).save(tmp_path / "good.npz")
    again = Reranker.load(tmp_path / "good.npz")
    values = cases(1)[0].values
    assert again.log_probabilities(COLUMNS, values) == pytest.approx(trees.scaled(1.5).log_probabilities(values))
    with np.load(tmp_path / "good.npz") as file:
        stored = dict(file)
    inner = int(np.flatnonzero(stored["feature"] != LEAF)[0])
    for name, place, value in (("feature", inner, 3), ("left", inner, inner), ("roots", 0, 10_000)):
        broken = {key: array.copy() for key, array in stored.items()}
        broken[name][place] = value
        np.savez(tmp_path / "bad.npz", **broken)
        with pytest.raises(ModelError, match="cannot read the re-ranker"):
            Reranker.load(tmp_path / "bad.npz")


def test_nothing_to_learn_from_is_refused() -> None:
    hopeless = [Case(case.values, np.zeros(6, bool)) for case in cases(3)]
    with pytest.raises(DataError, match="no question has its answer"):
        grow(hopeless, Growth())
