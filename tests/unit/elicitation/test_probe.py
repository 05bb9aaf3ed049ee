"""The small annotator: what it learns, what it leaves at zero, and that no row is judged by a fit that saw it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from retort.elicitation.checks import Doubles, Labels, TooFewRowsError
from retort.elicitation.probe import fit_probe, folds, out_of_fold, parts
from retort.errors import ConfigError


def rows_of(types: int, seed: int = 0) -> tuple[Doubles, Labels]:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(90) % types)
    return random.standard_normal((90, 4)) + 2 * np.eye(types, 4)[labels], labels


@pytest.mark.parametrize("types", [2, 3, 4])
def test_probabilities_are_those_of_the_library(types: int) -> None:
    inputs, labels = rows_of(types)
    probe = fit_probe(inputs, labels, types)
    expected = LogisticRegression(max_iter=1000).fit(inputs, labels).predict_proba(inputs)
    assert probe.converged
    assert probe.probabilities(inputs) == pytest.approx(expected, abs=1e-9)


def test_a_type_without_rows_has_no_probability() -> None:
    inputs, labels = rows_of(3)
    chances = fit_probe(inputs, np.where(labels == 1, 4, labels), 6).probabilities(inputs)
    assert chances[:, [1, 3, 5]].max() == 0.0
    assert chances.sum(axis=1) == pytest.approx(np.ones(90))
    only = fit_probe(inputs, np.full(90, 2), 3).probabilities(inputs)
    assert (only == [0.0, 0.0, 1.0]).all()


@given(rows=st.integers(2, 60), count=st.integers(2, 6), seed=st.integers(0, 3), kinds=st.integers(1, 60))
def test_folds_are_even_and_keep_groups_together(rows: int, count: int, seed: int, kinds: int) -> None:
    groups = np.random.default_rng(seed).integers(kinds, size=rows)
    distinct = len(np.unique(groups))
    if distinct < count:
        with pytest.raises(TooFewRowsError):
            folds(rows, count, seed, groups)
        return
    places = folds(rows, count, seed, groups)
    members = [np.unique(places[groups == group]) for group in np.unique(groups)]
    assert all(len(fold) == 1 for fold in members)
    assert np.ptp(np.bincount(np.concatenate(members), minlength=count)) <= 1
    judged = np.concatenate([judged for _, judged in parts(places)])
    assert sorted(judged.tolist()) == list(range(rows))
    assert all(not set(fit.tolist()) & set(judged.tolist()) for fit, judged in parts(places))


def test_folds_that_cannot_be_cut_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2"):
        folds(10, 1, 0)
    with pytest.raises(TooFewRowsError):
        folds(10, 3, 0, groups=np.zeros(4))


def test_no_row_is_judged_by_a_fit_that_saw_it() -> None:
    """A row's own label changes every prediction but its own."""
    inputs, labels = rows_of(3)
    places = folds(90, 5, 0)
    altered = labels.copy()
    altered[7] = (labels[7] + 1) % 3
    (before, failed), (after, _) = (out_of_fold(inputs, given, 3, places) for given in (labels, altered))
    same = (before == after).all(axis=1)
    assert (same == (places == places[7])).all()
    assert failed == 0
    assert (before.argmax(axis=1) == labels).mean() > 0.7


def test_folds_do_not_repeat_a_shuffle_with_their_seed() -> None:
    shuffled = np.random.default_rng(0).permutation(np.arange(600) % 6)
    table = np.bincount(folds(600, 3, 0) * 6 + shuffled, minlength=18)
    assert table.min() > 15
