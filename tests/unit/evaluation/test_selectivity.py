"""Kinds of mistakes, counted."""

import math

import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.selectivity import OUTCOMES, outcome, selectivity_scores


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("OCC", "CCO", "same"),
        ("Cc1ccc(Br)cc1.O", "O.Cc1ccccc1Br", "regioisomer"),  # the water they share is taken away
        ("C[C@H](N)C(=O)O.Cl", "Cl.C[C@@H](N)C(=O)O", "other_stereoisomer"),
        ("[Na+].[Cl-]", "[Na+].[Na+].[Cl-]", "other"),  # multiplicity
        ("CCO.O", "CCO", "other"),
        ("CCO", "COC", "other_site"),  # a methyl group on C or O: either cut leaves methane and methanol
        ("CC1CC1", "C1CCC1", "other_isomer"),
        (None, "CCO", "unreadable"),
        ("", "CCO", "unreadable"),
        ("C1CC", "CCO", "unreadable"),
        ("CCO", "C1CC", "unreadable_target"),
        (None, "", "unreadable_target"),
    ],
)
def test_outcomes_by_hand(answer: str | None, target: str, expected: str) -> None:
    assert outcome(answer, target) == expected


def test_every_row_has_one_outcome() -> None:
    answers = ["CCO", "Cc1ccc(Br)cc1", None, "C1CC", "CCC"]
    targets = ["OCC", "Cc1ccccc1Br", "C", "C", "CCO"]
    found = selectivity_scores(targets, answers)
    assert found.n == sum(found.counts.values()) == 5
    assert math.isclose(sum(found.values.values()), 1)
    assert list(found.values) == list(found.counts) == list(OUTCOMES)
    made = {name: n for name, n in found.counts.items() if n}
    assert made == {"same": 1, "regioisomer": 1, "unreadable": 2, "other": 1}
    assert found.intervals["other_site"] == (0, 0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError):
        selectivity_scores(["C", "C"], ["C"])
    with pytest.raises(DataError):
        selectivity_scores([], [])
