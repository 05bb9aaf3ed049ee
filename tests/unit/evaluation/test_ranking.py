"""Rankings of candidates by yield: by hand, against scikit-learn, and what becomes of odd rankings."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from retort.errors import DataError, UsageError
from retort.evaluation.ranking import chance, ndcg, ranking_scores, regret, top_k_hit

YIELDS = [10.0, 90.0, 40.0]


@pytest.mark.parametrize(
    ("ranking", "hits", "lost"),
    [
        ([1, 2, 0], (1, 1, 1), (0, 0, 0)),
        ([2, 1, 0], (0, 1, 1), (50, 0, 0)),
        ([0, 2, 1], (0, 0, 1), (80, 50, 0)),
        ([2], (0, 0, 0), (50, 50, 50)),  # one named only
        ([7, 1], (0, 1, 1), (80, 0, 0)),  # a place that is not there stands in front
        ([-1, 1], (0, 1, 1), (80, 0, 0)),  # and so does one before the first
        ([0, 0, 1], (0, 0, 1), (80, 80, 0)),  # the same twice
        ([], (0, 0, 0), (80, 80, 80)),
    ],
)
def test_hits_and_regret_by_hand(ranking: list[int], hits: tuple[float, ...], lost: tuple[float, ...]) -> None:
    assert tuple(top_k_hit(YIELDS, ranking, k) for k in (1, 2, 3)) == hits
    assert tuple(regret(YIELDS, ranking, k) for k in (1, 2, 3)) == lost


def test_gain_by_hand() -> None:
    ideal = 90 + 40 / math.log2(3) + 10 / 2
    assert ndcg(YIELDS, [1, 2, 0]) == 1
    assert math.isclose(ndcg(YIELDS, [0, 2, 1]), (10 + 40 / math.log2(3) + 90 / 2) / ideal)
    assert math.isclose(ndcg(YIELDS, [1]), 90 / ideal)  # what is not named gains nothing
    assert math.isclose(ndcg(YIELDS, [7, 1, 1]), 90 / math.log2(3) / ideal)
    assert ndcg(YIELDS, []) == 0


def test_lists_without_a_choice() -> None:
    for yields in ([50.0], [30.0, 30.0], [0.0, 0.0]):
        assert top_k_hit(yields, [0], 1) == 1
        assert regret(yields, [0]) == 0
        assert ndcg(yields, list(range(len(yields)))) == 1
        assert ndcg(yields, []) == top_k_hit(yields, [], 1) == 0
    assert ndcg([0.0, 0.0], [5]) == 0


def test_any_of_equal_best_yields_is_right() -> None:
    assert [top_k_hit([70.0, 70.0, 5.0], [place], 1) for place in range(3)] == [1, 1, 0]


lists = st.lists(st.integers(0, 100).map(float), min_size=2, max_size=7).flatmap(
    lambda yields: st.tuples(st.just(yields), st.permutations(range(len(yields))))
)


@given(lists)
def test_gain_is_that_of_scikit_learn(row: tuple[list[float], list[int]]) -> None:
    yields, ranking = row
    marks = [0] * len(yields)
    for rank, place in enumerate(ranking):
        marks[place] = -rank
    if any(yields):
        assert math.isclose(ndcg(yields, ranking), ndcg_score([yields], [marks]), rel_tol=1e-9)


@given(lists)
def test_lot_is_the_mean_over_all_rankings(row: tuple[list[float], list[int]]) -> None:
    yields = row[0][:5]
    orders = list(itertools.permutations(range(len(yields))))
    hit, lost = chance(yields)
    assert math.isclose(hit, math.fsum(top_k_hit(yields, order, 1) for order in orders) / len(orders))
    assert math.isclose(lost, math.fsum(regret(yields, order) for order in orders) / len(orders), abs_tol=1e-9)


def test_the_table_counts_every_row() -> None:
    found = ranking_scores([YIELDS, YIELDS, [5.0], [0.0, 0.0]], [[1], [], [0], [1, 9]], cutoffs=(1, 2))
    assert found.n == 4
    assert found.values["hit@1"] == 3 / 4
    assert found.values["regret@1"] == 80 / 4
    assert found.values["chance_hit@1"] == (1 / 3 + 1 / 3 + 1 + 1) / 4
    assert found.counts == {"unreadable": 1, "misnamed": 1, "nothing_to_choose": 2}
    assert set(found.values) == set(found.intervals)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="row 1 has no candidates"):
        ranking_scores([[1.0], []], [[0], [0]])
    with pytest.raises(DataError, match="row 0 has a yield"):
        ranking_scores([[float("nan")]], [[0]])
    with pytest.raises(DataError, match="no answers"):
        ranking_scores([], [])
    with pytest.raises(UsageError, match="2 answers do not fit 1 rows"):
        ranking_scores([[1.0]], [[0], [0]])
    with pytest.raises(UsageError, match="below 1"):
        ranking_scores([[1.0]], [[0]], cutoffs=(0,))
