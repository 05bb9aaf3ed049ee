"""Fitting an annotator: a hold-out that stays, one linear map, types out of fold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.elicitation.annotating import fit_annotator, split_within, tempered
from retort.elicitation.checks import LabelError, TooFewRowsError
from retort.elicitation.planted import planted_reactions
from retort.errors import ConfigError

PLANTED = planted_reactions(600, 5)


@given(
    rows=st.integers(3, 200),
    valid=st.floats(0.01, 0.3),
    test=st.floats(0.01, 0.3),
    kinds=st.integers(1, 200),
    seed=st.integers(0, 3),
)
def test_parts_cover_all_rows_once_and_keep_groups_together(
    rows: int, valid: float, test: float, kinds: int, seed: int
) -> None:
    groups = np.random.default_rng(seed).integers(kinds, size=rows)
    distinct = len(np.unique(groups))
    counts = [int(np.ceil(share * distinct)) for share in (valid, test)]
    if distinct - sum(counts) < 1:
        with pytest.raises(TooFewRowsError):
            split_within(rows, (valid, test), seed, groups)
        return
    parts = split_within(rows, (valid, test), seed, groups)
    found = [parts.fit, parts.valid, parts.test]
    assert sorted(np.concatenate(found).tolist()) == list(range(rows))
    members = [set(groups[part].tolist()) for part in found]
    assert [len(kinds) for kinds in members] == [distinct - sum(counts), *counts]


def test_published_shares_are_98_1_1() -> None:
    parts = split_within(1000)
    assert [len(part) for part in (parts.fit, parts.valid, parts.test)] == [980, 10, 10]
    again, other = split_within(1000), split_within(1000, seed=1)
    assert parts.test.tolist() == again.test.tolist() != other.test.tolist()
    with pytest.raises(ConfigError, match="three parts"):
        split_within(10, (0.5, 0.5))
    with pytest.raises(ConfigError):
        split_within(10, (0.0, 0.1))


def test_readable_types_are_read_and_judged_on_rows_not_fitted_to() -> None:
    parts = split_within(600, (0.1, 0.2))
    fitted = fit_annotator(PLANTED.inputs, PLANTED.types, 5, parts)
    read = fitted.head.probabilities(PLANTED.inputs)
    assert fitted.report.rows == 120
    assert fitted.report.accuracy == pytest.approx((read.argmax(axis=1) == PLANTED.types)[parts.test].mean())
    assert fitted.report.accuracy > 0.8 > fitted.report.majority
    assert (fitted.out_of_fold.argmax(axis=1) == PLANTED.types).mean() > 0.8
    assert fitted.out_of_fold.sum(axis=1) == pytest.approx(np.ones(600))
    assert fitted.report.calibration_error is not None
    assert fitted.report.calibration_error < 0.12


def test_rows_that_are_held_back_change_nothing() -> None:
    parts = split_within(600, (0.1, 0.2))
    inputs, labels = PLANTED.inputs.copy(), PLANTED.types.copy()
    inputs[parts.test], labels[parts.test] = 7.0, 0
    first, second = (
        fit_annotator(*rows, 5, parts).head for rows in ((PLANTED.inputs, PLANTED.types), (inputs, labels))
    )
    assert first.weight.tobytes() == second.weight.tobytes()
    assert first.bias.tobytes() == second.bias.tobytes()
    assert first.temperature == second.temperature != 1.0


def test_a_few_watched_rows_fit_no_temperature() -> None:
    assert fit_annotator(PLANTED.inputs, PLANTED.types, 5, split_within(600)).head.temperature == 1.0


def test_a_row_does_not_vote_for_its_own_type_out_of_fold() -> None:
    random = np.random.default_rng(0)
    inputs, labels = random.standard_normal((60, 40)), random.integers(2, size=60)
    fitted = fit_annotator(inputs, labels, 2, split_within(60, (0.05, 0.05)))
    assert (fitted.head.probabilities(inputs).argmax(axis=1) == labels).mean() > 0.9
    assert (fitted.out_of_fold.argmax(axis=1) == labels).mean() < 0.75


def test_identical_inputs_are_read_as_the_frequencies_of_types() -> None:
    labels = np.repeat([0, 1], [30, 10])
    fitted = fit_annotator(np.ones((40, 3)), labels, 3, split_within(40, (0.1, 0.1)))
    assert set(fitted.head.probabilities(np.ones((2, 3))).argmax(axis=1)) == {0}
    assert fitted.out_of_fold[:, 2].max() == 0.0


def test_wrong_labels_are_refused() -> None:
    with pytest.raises(LabelError):
        fit_annotator(PLANTED.inputs, np.full(600, 7), 5, split_within(600))


def test_tempering_keeps_order_and_zeros() -> None:
    chances = np.array([[0.7, 0.3, 0.0]])
    assert tempered(chances, 1.0) == pytest.approx(chances)
    warm = tempered(chances, 2.0)
    assert warm[0, 2] == 0.0
    assert 0.5 < warm[0, 0] < 0.7
