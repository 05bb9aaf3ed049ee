"""Figures of several tasks: means of the tasks' means, whatever their numbers of rows."""

import numpy as np
import pytest

from retort.errors import UsageError
from retort.evaluation.over_tasks import paired_over_tasks, pooled_over_tasks
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.seeds import paired, pooled


def answered(task: str, right: str) -> Predictions:
    """Return predictions with a right answer wherever the text has a 1."""
    rows = [
        Prediction(i, "CCO", "CCO", "ok", "", (Candidate("CCO" if mark == "1" else "CCN", -0.1, "toy"),))
        for i, mark in enumerate(right)
    ]
    return Predictions(Header(task, "toy", 1), tuple(rows))


MANY = [answered("forward_prediction", "1" * 30 + "0" * 10), answered("forward_prediction", "1" * 40)]
FEW = [answered("retrosynthesis", "1000"), answered("retrosynthesis", "0000")]


def test_a_task_with_few_rows_counts_as_much_as_one_with_many() -> None:
    figure = pooled_over_tasks({"forward_prediction": MANY, "retrosynthesis": FEW}, 1)["exact_match@1"]
    assert figure.mean == pytest.approx((0.875 + 0.125) / 2)
    assert figure.by_seed == pytest.approx(((0.75 + 0.25) / 2, (1 + 0) / 2))


def test_one_task_is_what_it_is_alone() -> None:
    alone, among = pooled(MANY, 1), pooled_over_tasks({"forward_prediction": MANY}, 1)
    for name, figure in alone.items():
        assert among[name].mean == pytest.approx(figure.mean)
        assert among[name].interval == pytest.approx(figure.interval)
    other = [answered("forward_prediction", "01" * 20)] * 2
    gains = paired_over_tasks({"forward_prediction": MANY}, {"forward_prediction": other}, 1)
    assert gains["exact_match@1"] == paired(MANY, other, 1)["exact_match@1"]


def test_that_tasks_differ_does_not_widen_the_interval() -> None:
    easy, hard = [answered("forward_prediction", "1" * 50)], [answered("retrosynthesis", "0" * 50)]
    figure = pooled_over_tasks({"forward_prediction": easy, "retrosynthesis": hard}, 1)["exact_match@1"]
    assert figure.mean == pytest.approx(0.5)
    assert figure.interval == pytest.approx((0.5, 0.5))


def test_a_difference_is_the_mean_of_the_differences_of_tasks() -> None:
    after = {"forward_prediction": MANY[::-1], "retrosynthesis": [answered("retrosynthesis", "1111")] * 2}
    found = paired_over_tasks({"forward_prediction": MANY, "retrosynthesis": FEW}, after, 1)["exact_match@1"]
    assert found.difference == pytest.approx((0 + 0.875) / 2)
    assert np.isfinite(found.p_value)


def test_other_tasks_are_no_pair() -> None:
    with pytest.raises(UsageError, match="not the same tasks"):
        paired_over_tasks({"retrosynthesis": FEW}, {"forward_prediction": MANY}, 1)
