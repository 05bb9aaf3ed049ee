"""Figures over several seeds, and paired differences."""

import numpy as np
import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.seeds import Values, differences, figures, paired, pooled

TARGETS = ["CCO", "CCN", "CCC", "CO"] * 25


def said(*right: int) -> Predictions:
    """Return predictions of one seed: right in the rows whose number modulo 4 is given."""
    rows = [
        Prediction(i, "C", target, "ok", "", (Candidate(target if i % 4 in right else "[Xe]", -1.0, "made_up"),))
        for i, target in enumerate(TARGETS)
    ]
    return Predictions(Header("retrosynthesis", "made_up", 1), rows)


def test_seeds_are_averaged_and_rows_resampled() -> None:
    figure = pooled([said(0, 1), said(0)], 1)["exact_match@1"]
    assert figure.by_seed == (0.5, 0.25)
    assert figure.mean == 0.375
    assert figure.spread == pytest.approx(0.25 / 2**0.5)
    # The value of a row is 1, 1/2, 0 or 0: a standard error of sqrt(0.171875 / 100).
    assert figure.interval[0] == pytest.approx(0.375 - 1.96 * 0.0415, abs=0.02)
    assert figure.interval[1] == pytest.approx(0.375 + 1.96 * 0.0415, abs=0.02)


def test_one_seed_has_no_spread() -> None:
    assert pooled([said(2)], 1)["exact_match@1"].spread is None


def test_a_clear_difference_and_none() -> None:
    better = paired([said(0)], [said(0, 1), said(0, 1)], 1)["exact_match@1"]
    assert better.difference == 0.25
    assert better.interval[0] > 0
    assert better.p_value == pytest.approx(1 / 10_001)
    same = paired([said(0)], [said(1)], 1)["exact_match@1"]  # 25 rows gained, 25 lost
    assert same.difference == 0
    assert same.interval[0] < 0 < same.interval[1]
    assert same.p_value == 1


def test_the_p_value_of_few_rows_is_that_of_the_exact_test() -> None:
    few = [Predictions(Header("retrosynthesis", "m", 1), said(*right).rows[:8]) for right in ((), (0, 1))]
    # Four rows differ, all one way: of 16 equally likely sign patterns, 2 are as extreme.
    assert paired(few[:1], few[1:], 1)["exact_match@1"].p_value == pytest.approx(2 / 16, abs=0.015)


def test_other_questions_cannot_be_pooled() -> None:
    other = Predictions(Header("retrosynthesis", "made_up", 1), said(0).rows[:4])
    with pytest.raises(UsageError, match="different questions"):
        pooled([said(0), other], 1)
    with pytest.raises(UsageError, match="different questions"):
        paired([said(0)], [other], 1)
    with pytest.raises(DataError, match="no predictions"):
        pooled([], 1)


def right_in(*shares: float) -> Values:
    """Return seeds of which each is right in the first so many of 400 rows, [r, 400, 1]."""
    return np.array([[[float(row < round(400 * share))] for row in range(400)] for share in shares])


def test_seeds_that_differ_widen_the_interval_over_seeds_alone() -> None:
    even, uneven = (figures(["hits"], right_in(*s))["hits"] for s in ((0.5, 0.5, 0.5), (0.2, 0.5, 0.8)))
    assert np.ptp(even.interval_over_seeds) == pytest.approx(np.ptp(even.interval), rel=0.1)
    assert np.ptp(uneven.interval_over_seeds) > 2 * np.ptp(even.interval_over_seeds)
    assert uneven.interval_over_seeds[0] < 0.35 < 0.65 < uneven.interval_over_seeds[1]


def test_a_difference_within_that_of_the_seeds_is_not_sure() -> None:
    sure = differences(["hits"], right_in(0.5, 0.5, 0.5), right_in(0.55, 0.55, 0.55))["hits"]
    unsure = differences(["hits"], right_in(0.4, 0.5, 0.6), right_in(0.45, 0.55, 0.65))["hits"]
    assert sure.difference == pytest.approx(unsure.difference) == pytest.approx(0.05)
    assert sure.interval_over_seeds[0] > 0.02
    assert unsure.interval[0] > 0.02
    assert unsure.interval_over_seeds[0] < 0 < unsure.interval_over_seeds[1]


def test_arms_with_other_numbers_of_seeds_are_compared() -> None:
    change = differences(["a", "b"], np.zeros((1, 50, 2)), np.ones((3, 50, 2)))
    assert {name: (c.difference, c.interval_over_seeds) for name, c in change.items()} == {
        "a": (1, (1, 1)),
        "b": (1, (1, 1)),
    }
