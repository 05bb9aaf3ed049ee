"""Figures of every kind: all rows count, one bootstrap behind two doors, undefined figures are said."""

import json

import numpy as np
import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.scores import Scores
from retort.evaluation.scoring import interval

VALUES = np.random.default_rng(5).random((41, 2))


def means(rows: np.ndarray) -> dict[str, float]:
    return dict(zip("ab", VALUES[rows].mean(axis=0).tolist(), strict=True))


def test_both_doors_lead_to_one_bootstrap() -> None:
    quick = Scores.of_means("ab", VALUES, {}, seed=3)
    anew = Scores.of_figures(means, len(VALUES), {}, seed=3)
    assert anew.values == pytest.approx(quick.values)
    for name, column in zip("ab", range(2), strict=True):
        assert anew.intervals[name] == pytest.approx(quick.intervals[name])
        assert quick.intervals[name][1] == interval(VALUES, 3)[1][column]
    assert Scores.of_means("ab", VALUES, {}, seed=4).intervals != quick.intervals


def test_an_interval_covers_what_was_planted() -> None:
    """The median of an exponential is ln 2; 95 % intervals of 30 samples of 60 rows miss it about twice."""
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(30):
        drawn = rng.exponential(size=60)
        low, high = Scores.of_figures(lambda rows, d=drawn: {"m": float(np.median(d[rows]))}, 60, {}).intervals["m"]
        covered += low <= np.log(2) <= high
    assert 25 <= covered <= 30


def test_a_figure_that_is_not_defined_is_left_out_and_said() -> None:
    found = Scores.of_figures(lambda rows: {"a": 1.0, "b": float("nan")}, 5, {"unreadable": 2})
    assert found.values == {"a": 1.0}
    assert found.intervals == {"a": (1.0, 1.0)}
    assert found.notes == ("b is not defined for these rows.",)


def test_resamples_without_a_figure_are_left_out_of_its_interval() -> None:
    def spread(rows: np.ndarray) -> dict[str, float]:
        return {"ones": 1.0 if np.ptp(rows) else float("nan")}

    assert Scores.of_figures(spread, 2, {}).intervals == {"ones": (1.0, 1.0)}


def test_tables_of_the_same_rows_stand_side_by_side() -> None:
    one, other = (Scores.of_means(name, VALUES[:, :1], {name: 1}) for name in "ab")
    both = one + other
    assert list(both.values) == list(both.intervals) == list(both.counts) == ["a", "b"]
    with pytest.raises(UsageError, match="41 and of 3 rows"):
        _ = one + Scores.of_means("b", VALUES[:3, :1], {})


def test_plain_values_are_json() -> None:
    found = json.loads(json.dumps(Scores.of_means("ab", VALUES, {"unreadable": 0}).as_dict(), allow_nan=False))
    assert set(found) == {"n", "metrics", "intervals", "counts"}
    assert found["n"] == 41


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(DataError, match="no answers"):
        Scores.of_means("ab", VALUES[:0], {})
    with pytest.raises(DataError, match="no answers"):
        Scores.of_figures(means, 0, {})
