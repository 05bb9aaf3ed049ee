"""Figures pooled over runs: every row counts, rows and runs are both chance, ways are compared on the same rows."""

import numpy as np
import pytest

from retort.errors import UnknownNameError, UsageError
from retort.evaluation.pooled import RESAMPLES, Runs, pooled, pooled_difference
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions

ROWS = 400


def way(*shares: float, rows: int = ROWS) -> Runs:
    """Return runs of which each is right in the first so many rows."""
    values = [[[float(row < round(share * rows))] for row in range(rows)] for share in shares]
    return Runs(("exact_match@1",), np.array(values))


def run(answers: list[str], top_k: int = 5) -> Predictions:
    rows = [
        Prediction(i, "C" * (i + 1), "CCO", "ok", "", (Candidate(answer, 0.0, "t"), Candidate("OCC", 0.0, "t")))
        for i, answer in enumerate(answers)
    ]
    return Predictions(Header("retrosynthesis", "toy", top_k), tuple(rows))


def test_a_row_is_worth_the_mean_of_its_runs() -> None:
    runs = Runs.of([run(["OCC", "C", "CC", "CCO"]), run(["C", "C", "CC", "CCO"])], "exact_match")
    assert runs.names == ("exact_match@1", "exact_match@3", "exact_match@5")
    figures = pooled(runs)
    assert figures["exact_match@1"].mean == 3 / 8
    assert figures["exact_match@1"].by_run == (0.5, 0.25)
    assert figures["exact_match@3"].mean == 1
    assert figures["exact_match@3"].interval == (1, 1)


def test_one_run_has_the_interval_of_its_rows() -> None:
    low, high = pooled(way(0.5))["exact_match@1"].interval
    expected = 1.96 * np.sqrt(0.25 / ROWS)
    assert high - 0.5 == pytest.approx(expected, rel=0.1)
    assert 0.5 - low == pytest.approx(expected, rel=0.1)


def test_runs_that_differ_widen_the_interval() -> None:
    even, uneven = (pooled(way(*shares))["exact_match@1"] for shares in ((0.5, 0.5, 0.5), (0.2, 0.5, 0.8)))
    assert even.mean == pytest.approx(uneven.mean)
    assert np.ptp(uneven.interval) > 2 * np.ptp(even.interval)


def test_a_difference_on_the_same_rows_is_sure() -> None:
    change = pooled_difference(way(0.5, 0.5, 0.5), way(0.55, 0.55, 0.55))["exact_match@1"]
    assert change.mean == pytest.approx(0.05)
    assert change.interval[0] > 0.02
    assert change.p == pytest.approx(2 / (RESAMPLES + 1))
    assert change.by_run == pytest.approx((0.05, 0.05, 0.05))


def test_a_difference_within_that_of_the_runs_is_not() -> None:
    change = pooled_difference(way(0.40, 0.50, 0.60), way(0.45, 0.55, 0.65))["exact_match@1"]
    assert change.mean == pytest.approx(0.05)
    assert change.interval[0] < 0 < change.interval[1]
    assert change.p is not None
    assert change.p > 0.1


def test_no_difference_has_no_evidence() -> None:
    change = pooled_difference(way(0.5), way(0.5))["exact_match@1"]
    assert (change.mean, change.interval, change.p) == (0, (0, 0), 1)


def test_the_other_way_round_is_the_negative() -> None:
    one, other = way(0.3, 0.4), way(0.5, 0.4)
    there = pooled_difference(one, other)["exact_match@1"]
    back = pooled_difference(other, one)["exact_match@1"]
    assert there.mean == pytest.approx(-back.mean)
    assert there.interval[0] == pytest.approx(-back.interval[1], abs=0.02)


def test_runs_of_other_questions_are_refused() -> None:
    with pytest.raises(UsageError, match="same questions"):
        Runs.of([run(["C", "C"]), run(["C"])], "exact_match")
    with pytest.raises(UsageError, match="0 runs"):
        Runs.of([], "exact_match")
    with pytest.raises(UsageError, match="same rows"):
        pooled_difference(way(0.5), way(0.5, rows=10))
    with pytest.raises(UnknownNameError):
        Runs.of([run(["C"])], "exact_mach")
