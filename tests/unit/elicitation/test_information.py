"""The criterion: its value for types worth knowing, for useless ones and unreadable ones, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from retort.elicitation.checks import IdenticalRowsError, LabelError, NonFiniteError, TooFewRowsError
from retort.elicitation.information import InformationConfig, UsableInformation
from retort.elicitation.planted import PlantedReactions, planted_reactions

QUICK = InformationConfig(folds=3, inner_folds=2, draws=100)


@pytest.fixture(scope="module")
def planted() -> PlantedReactions:
    return planted_reactions(600, 4)


@pytest.fixture(scope="module")
def criterion(planted: PlantedReactions) -> UsableInformation:
    return UsableInformation(planted.inputs, planted.outputs, QUICK)


def test_relevant_and_readable_types_are_worth_most(planted: PlantedReactions, criterion: UsableInformation) -> None:
    types, surface = criterion.of(planted.types, 4), criterion.of(planted.surface, 4)
    assert types.value > 10 * types.standard_error
    assert abs(surface.value) <= 2 * surface.standard_error + 1e-12
    assert surface.accuracy > types.accuracy > 0.8  # accuracy prefers what is irrelevant
    assert types.majority == pytest.approx(0.25, abs=0.01)
    assert types.unconverged == 0


def test_unreadable_types_are_worth_something_only_if_known(
    planted: PlantedReactions, criterion: UsableInformation
) -> None:
    guessed, known = criterion.of(planted.hidden, 2), criterion.of_known(planted.hidden, 2)
    assert abs(guessed.value) <= 2 * guessed.standard_error + 1e-12
    assert known.value > 10 * known.standard_error
    assert guessed.accuracy == pytest.approx(0.5, abs=0.1)
    assert known.accuracy == 1.0


def test_names_of_types_do_not_count(planted: PlantedReactions, criterion: UsableInformation) -> None:
    names = np.array([2, 0, 3, 1])
    renamed = criterion.of(names[planted.types], 4)
    assert renamed.value == pytest.approx(criterion.of(planted.types, 4).value, abs=1e-3)


def test_a_type_nobody_has_changes_nothing(planted: PlantedReactions, criterion: UsableInformation) -> None:
    assert criterion.of(planted.types, 5).value == pytest.approx(criterion.of(planted.types, 4).value, abs=1e-9)


def test_twice_the_same(planted: PlantedReactions, criterion: UsableInformation) -> None:
    again = UsableInformation(planted.inputs, planted.outputs, QUICK).of(planted.types, 4)
    first = criterion.of(planted.types, 4)
    assert (again.gains == first.gains).all()
    assert (again.value, again.standard_error) == (first.value, first.standard_error)


def test_the_value_is_the_mean_gain_and_its_error_that_of_a_mean(
    planted: PlantedReactions, criterion: UsableInformation
) -> None:
    found = criterion.of(planted.types, 4)
    assert found.value == pytest.approx(found.gains.mean())
    assert found.standard_error == pytest.approx(found.gains.std() / np.sqrt(600), rel=0.3)


def test_differences_are_paired(planted: PlantedReactions, criterion: UsableInformation) -> None:
    types, surface = criterion.of(planted.types, 4), criterion.of(planted.surface, 4)
    value, error = criterion.difference(types, surface)
    assert value == pytest.approx(types.value - surface.value)
    assert error > 0
    assert criterion.difference(types, types) == (0.0, 0.0)


def test_copies_of_a_row_are_not_counted_as_evidence(planted: PlantedReactions) -> None:
    """Four copies of 150 rows, kept together, are as uncertain as 150 rows, not as 600."""
    rows = np.repeat(np.arange(150), 4)
    inputs, outputs, types = planted.inputs[rows], planted.outputs[rows], planted.types[rows]
    together = UsableInformation(inputs, outputs, QUICK, groups=rows).of_known(types, 4)
    assert together.standard_error == pytest.approx(together.gains.std() / np.sqrt(150), rel=0.3)


def test_a_codebook_sees_planted_types_too(planted: PlantedReactions) -> None:
    criterion = UsableInformation(planted.inputs, planted.outputs, replace(QUICK, family="codebook", codes=16))
    known, guessed = criterion.of_known(planted.types, 4), criterion.of(planted.types, 4)
    assert known.value > 5 * known.standard_error
    assert known.value > guessed.value >= 0
    shuffled = criterion.of(np.random.default_rng(0).permutation(planted.types), 4)
    assert abs(shuffled.value) <= 2 * shuffled.standard_error + 1e-12


def test_what_cannot_be_judged_is_refused(planted: PlantedReactions, criterion: UsableInformation) -> None:
    few = planted.inputs[:2]
    with pytest.raises(LabelError, match="600 inputs, 2 targets"):
        UsableInformation(planted.inputs, few)
    with pytest.raises(IdenticalRowsError, match="all targets"):
        UsableInformation(planted.inputs, np.ones((600, 3)))
    with pytest.raises(NonFiniteError, match="the target vectors"):
        UsableInformation(planted.inputs, np.full((600, 3), np.nan))
    with pytest.raises(TooFewRowsError):
        UsableInformation(few, few[::-1], QUICK)
    with pytest.raises(LabelError, match=r"not a type in 0\.\.2"):
        criterion.of(planted.types, 3)
    with pytest.raises(LabelError):
        criterion.of(planted.types[:5], 4)
