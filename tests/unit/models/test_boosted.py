"""Boosted classes: LightGBM's own probabilities, small files, damage."""

from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from retort.errors import DataError, ModelError
from retort.models.boosted import BoostedClasses, BoostedValues, ModelMeta
from retort.models.ranker import SparseRows
from retort.models.trees import Growth
from retort.training.boosted import BINS, grow_classes, grow_values

CLASSES = ("one", "two", "three")
META = ModelMeta("reaction_classification", {"kind": "reaction", "bits": 6, "damped": False}, "0", 0, 300)
GROWTH = Growth(trees=8, leaves=5, rate=0.3, least=5)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.integers(-3, 4, size=(300, 6)).astype(np.float32)
    return x, ((x[:, 1] > 0).astype(np.int64) + (x[:, 4] * x[:, 1] > 0)).astype(np.int64)


def sparse(x: np.ndarray) -> SparseRows:
    places, columns = np.nonzero(x)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(places, minlength=len(x)))]).astype(np.int64)
    return SparseRows(indptr, columns.astype(np.int32), x[places, columns], x.shape[1])


@pytest.fixture(scope="module")
def model(rows: tuple[np.ndarray, np.ndarray]) -> BoostedClasses:
    return grow_classes(sparse(rows[0]), rows[1], CLASSES, GROWTH, META)


def test_probabilities_are_lightgbms(model: BoostedClasses, rows: tuple[np.ndarray, np.ndarray]) -> None:
    settings = GROWTH.settings("multiclass", num_class=3, max_bin=BINS, force_row_wise=False, force_col_wise=True)
    booster = lightgbm.train(settings, lightgbm.Dataset(rows[0], rows[1], params=settings), num_boost_round=8)
    assert np.exp(model.log_probabilities(rows[0])) == pytest.approx(booster.predict(rows[0]), abs=1e-9)
    assert (model.log_probabilities(rows[0]).argmax(axis=1) == rows[1]).mean() > 0.95


def test_a_file_keeps_them_and_damage_is_seen(
    model: BoostedClasses, rows: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "trees.npz"
    model.save(path)
    again = BoostedClasses.load(path)
    assert again.classes == CLASSES
    assert again.log_probabilities(rows[0]) == pytest.approx(model.log_probabilities(rows[0]), abs=1e-5)
    for broken in (
        replace(model, classes=(*CLASSES, "four", "five", "six", "seven")),
        replace(model, columns=model.columns + 6),
        replace(model, columns=model.columns[:1]),
    ):
        broken.save(path)
        with pytest.raises(ModelError, match="cannot use the model"):
            BoostedClasses.load(path)


def test_a_class_without_rows_is_refused(rows: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(DataError, match="3 of 4 classes have train rows"):
        grow_classes(sparse(rows[0]), rows[1], (*CLASSES, "four"), GROWTH, META)


def test_numbers_are_lightgbms_and_a_file_keeps_them(rows: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    x, y = rows[0], 50 + 7 * rows[0][:, 1].astype(np.float64)
    model = grow_values(sparse(x), y, GROWTH, META)
    settings = GROWTH.settings("regression", max_bin=BINS, force_row_wise=False, force_col_wise=True)
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), num_boost_round=8)
    assert model.values(x) == pytest.approx(booster.predict(x), abs=1e-9)
    assert np.corrcoef(model.values(x), y)[0, 1] > 0.95
    path = tmp_path / "trees.npz"
    model.save(path)
    assert BoostedValues.load(path).values(x) == pytest.approx(model.values(x), abs=1e-4)
    replace(model, columns=model.columns + 6).save(path)
    with pytest.raises(ModelError, match="cannot use the model"):
        BoostedValues.load(path)
    with pytest.raises(DataError, match="the same"):
        grow_values(sparse(x), np.ones(300), GROWTH, META)
