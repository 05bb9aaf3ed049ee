"""Profiles of types: what stands out is what was planted, and nothing is invented."""

import numpy as np
import pytest

from retort.elicitation.checks import LabelError
from retort.elicitation.interpret import (
    agreement_with_classes,
    enriched,
    exemplars,
    named,
    profiles,
    wilson,
)

# 60 rows of three types: amides, nitro reductions, and a mixed bag.
LABELS = np.repeat([0, 1, 2], 20)
GROUPS = (
    [{"amide made"}] * 18 + [set()] * 2 + [{"nitro broken", "amine made"}] * 20 + [{"amide made"}] * 4 + [set()] * 16
)


def test_planted_labels_stand_out() -> None:
    first, second, third = profiles(LABELS, 3, {"groups": GROUPS})
    assert [first.name, second.name, third.name] == ["amide made", "amine made", ""]
    amide = first.enriched["groups"][0]
    assert (amide.rows, amide.share, amide.overall) == (18, 0.9, 22 / 60)
    assert amide.lift == pytest.approx(0.9 * 60 / 22)
    assert [e.label for e in second.enriched["groups"]] == ["amine made", "nitro broken"]
    assert third.enriched["groups"] == ()  # 4 rows in 20 are fewer than elsewhere
    assert named([first, second, third]) == ("0: amide made", "1: amine made", "2")


def test_a_frequent_label_that_all_share_tells_nothing() -> None:
    (only, other, _) = profiles(LABELS, 3, {"groups": [{"everywhere"}] * 60})
    assert only.name == other.name == ""


def test_a_name_comes_from_the_first_kind_that_has_one() -> None:
    rare = [{f"template {i}"} for i in range(60)]
    (first, *_) = profiles(LABELS, 3, {"templates": rare, "groups": GROUPS})
    assert first.enriched["templates"] == ()
    assert first.name == "amide made"


def test_a_repeated_label_of_a_row_counts_once() -> None:
    rows = [("a", "a")] * 20 + [()] * 40
    assert enriched(LABELS, 3, rows)[0][0].rows == 20


def test_labels_must_be_of_the_same_rows() -> None:
    with pytest.raises(LabelError, match="59 rows have labels of the kind 'groups', 60 have a type"):
        profiles(LABELS, 3, {"groups": GROUPS[:-1]})


def test_intervals_are_those_of_wilson() -> None:
    # Newcombe, Stat. Med. 1998, 17, 857, table I: 81/263 and 15/148.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_agreement_with_classes() -> None:
    classes = np.repeat([1, 2, 0], 20)  # the third type has no class
    found = agreement_with_classes(LABELS, classes, 3)
    assert (found.rows, found.purity, found.majority) == (40, 1.0, 0.5)
    assert found.mutual_information == pytest.approx(1.0)
    mixed = agreement_with_classes(np.tile([0, 1], 20), np.repeat([1, 2], 20), 2)
    assert (mixed.purity, mixed.mutual_information) == (0.5, pytest.approx(0.0))
    with pytest.raises(LabelError, match="0 classes"):
        agreement_with_classes(LABELS, np.zeros(60), 3)


def test_exemplars_are_nearest_and_of_different_inputs() -> None:
    vectors = np.array([[0.0], [0.1], [0.1], [0.4], [9.0], [9.5]])
    labels, groups = [0, 0, 0, 0, 1, 1], [5, 7, 7, 6, 1, 2]
    found = exemplars(vectors, labels, np.array([[0.12], [9.4]]), groups, 3)
    assert [rows.tolist() for rows in found] == [[1, 0, 3], [5, 4]]
