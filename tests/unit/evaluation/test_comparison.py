"""Paired differences of texts and numbers: by hand, with sign, on equal rows alone."""

import math

import pytest

from retort.errors import UsageError
from retort.evaluation.comparison import differences
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions

CLASSES = ("acylation and related processes", "oxidations")


def of_texts(truth: list[str], said: list[str | None]) -> Predictions:
    rows = tuple(
        Prediction(i, f"q{i}", t, "ok" if s else "no_answer", "", (Candidate("", None, "x", s),) if s else ())
        for i, (t, s) in enumerate(zip(truth, said, strict=True))
    )
    return Predictions(Header("reaction_classification", "m", 1, "text"), rows)


def of_values(truth: list[float], said: list[float | None]) -> Predictions:
    rows = tuple(
        Prediction(i, f"q{i}", repr(t), "ok", "", () if s is None else (Candidate("", None, "x", value=s),))
        for i, (t, s) in enumerate(zip(truth, said, strict=True))
    )
    return Predictions(Header("yield_prediction", "m", 1, "value"), rows)


def test_texts_are_compared_in_accuracy_and_f1() -> None:
    truth = [CLASSES[0]] * 4 + [CLASSES[1]] * 4
    first, second = of_texts(truth, [CLASSES[0]] * 8), of_texts(truth, [*[CLASSES[0]] * 4, *[CLASSES[1]] * 3, None])
    found = differences(first, second, 1)
    assert found["accuracy"].difference == pytest.approx(7 / 8 - 4 / 8)
    low, high = found["accuracy"].interval
    assert 0 < low < found["accuracy"].difference < high
    assert found["macro_f1"].difference > 0
    back = differences(second, first, 1)
    assert back["accuracy"].difference == -found["accuracy"].difference


def test_numbers_are_compared_in_their_own_units_and_none_is_the_worst() -> None:
    truth = [10.0, 20.0, 60.0, 90.0]
    first, second = of_values(truth, [12.0, 22.0, 62.0, 92.0]), of_values(truth, [11.0, 21.0, 61.0, None])
    found = differences(first, second, 1)
    assert found["mae"].difference == pytest.approx((3 * 1 + 90) / 4 - 2)
    assert found["rmse"].difference == pytest.approx(math.sqrt((3 + 90**2) / 4) - 2)
    assert found["r2"].difference < 0
    same = differences(first, first, 1)
    assert {name: gain.difference for name, gain in same.items()} == {"mae": 0.0, "rmse": 0.0, "r2": 0.0}


def test_other_questions_are_refused() -> None:
    with pytest.raises(UsageError, match="different questions"):
        differences(of_values([1.0, 2.0], [1.0, 2.0]), of_values([1.0, 3.0], [1.0, 2.0]), 1)
