"""Numbers: figures by hand, against scikit-learn, and what becomes of answers that cannot be read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from retort.errors import DataError, UsageError
from retort.evaluation.regression import counted, interval_scores, number_figures, r2, regression_scores

yields = st.floats(0, 100, allow_subnormal=False)
rows = st.lists(st.tuples(yields, yields), min_size=2, max_size=20)
NAN = float("nan")


def test_figures_by_hand() -> None:
    found = regression_scores(np.array([10.0, 20.0, 60.0]), np.array([20.0, 20.0, 40.0])).values
    assert found["mae"] == 10
    assert math.isclose(found["rmse"], math.sqrt(500 / 3))
    assert math.isclose(found["r2"], 1 - 500 / 1400)  # the truth's mean is 30, its squares 400 + 100 + 900


@given(rows)
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    truth, answers = np.array(pairs).T
    found = number_figures(truth, answers)
    assert math.isclose(found["mae"], mean_absolute_error(truth, answers), rel_tol=1e-9)
    assert math.isclose(found["rmse"], root_mean_squared_error(truth, answers), rel_tol=1e-9)
    if np.ptp(truth) > 1e-3:
        assert math.isclose(found["r2"], r2_score(truth, answers), rel_tol=1e-6, abs_tol=1e-9)


def test_r2_puts_the_truth_first() -> None:
    truth, answers = np.array([10.0, 50.0, 90.0]), np.array([45.0, 50.0, 55.0])
    assert math.isclose(r2(truth, answers), 1 - 2 * 35**2 / (2 * 40**2))
    assert math.isclose(r2(answers, truth), 1 - 2 * 35**2 / (2 * 5**2))  # the transposed figure is another one
    assert regression_scores(truth, answers).values["r2"] == r2(truth, answers)


def test_the_mean_explains_nothing() -> None:
    truth = np.array([10.0, 50.0, 90.0])
    assert regression_scores(truth, np.full(3, 50.0)).values["r2"] == 0


def test_r2_of_equal_truths_is_not_defined() -> None:
    found = regression_scores(np.full(4, 30.0), np.full(4, 30.0))
    assert set(found.values) == {"mae", "rmse"}
    assert found.notes == ("r2 is not defined for these rows.",)


def test_an_unreadable_answer_counts_as_the_farther_end() -> None:
    truth = np.array([30.0, 80.0, 50.0])
    assert counted(truth, np.array([NAN, np.inf, 50.0])).tolist() == [100, 0, 50]
    found = regression_scores(truth, np.array([NAN, NAN, 50.0]))
    assert found.values["mae"] == (70 + 80) / 3
    assert found.counts == {"unreadable": 2}
    assert found.n == 3


@given(rows, st.lists(st.booleans(), min_size=20, max_size=20))
def test_not_answering_never_pays(pairs: list[tuple[float, float]], lost: list[bool]) -> None:
    truth, answers = np.array(pairs).T
    kept = number_figures(truth, answers)
    dropped = number_figures(truth, counted(truth, np.where(lost[: len(truth)], NAN, answers)))
    assert dropped["mae"] >= kept["mae"]
    assert dropped["rmse"] >= kept["rmse"]
    assert not dropped["r2"] > kept["r2"]


def test_coverage_and_width_by_hand() -> None:
    truth = np.array([50.0, 50.0, 50.0, 50.0])
    found = interval_scores(truth, np.array([40.0, 50.0, 51.0, NAN]), np.array([60.0, 52.0, 53.0, 90.0]))
    assert found.values == {"coverage": 0.5, "width": (20 + 2 + 2 + 100) / 4}
    assert found.counts == {"unreadable": 1}
    crossed = interval_scores(truth[:1], np.array([60.0]), np.array([40.0]))
    assert crossed.values == {"coverage": 0, "width": 100}
    assert crossed.counts == {"unreadable": 1}


def test_intervals_of_the_right_quantiles_cover_what_they_say() -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 100, 4000)
    found = interval_scores(truth, np.full(4000, 5.0), np.full(4000, 95.0))
    low, high = found.intervals["coverage"]
    assert low <= 0.9 <= high
    assert found.values["width"] == 90


@pytest.mark.parametrize("wrong", [140.0, -1.0, NAN, np.inf])
def test_a_truth_beyond_the_range_is_refused(wrong: float) -> None:
    with pytest.raises(DataError, match="true value of row 1"):
        regression_scores(np.array([50.0, wrong]), np.array([50.0, 50.0]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="1 answers do not fit 2 rows"):
        regression_scores(np.array([1.0, 2.0]), np.array([1.0]))
    with pytest.raises(UsageError, match="no range"):
        regression_scores(np.array([1.0]), np.array([1.0]), possible=(1.0, 1.0))
    with pytest.raises(DataError):
        interval_scores(np.array([]), np.array([]), np.array([]))


def test_another_range_may_be_given() -> None:
    found = regression_scores(np.array([-20.0, 300.0]), np.array([-20.0, NAN]), possible=(-80.0, 400.0))
    assert found.values["mae"] == 190
