"""Classes: figures by hand, against scikit-learn, and what becomes of answers that cannot be read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from retort.errors import DataError, UsageError
from retort.evaluation.classification import class_figures, class_scores, confusion
from retort.evaluation.reliability import calibration_error

names = st.sampled_from(["amidation", "oxidation", "reduction", "other"])
rows = st.lists(st.tuples(names, names | st.none()), min_size=1, max_size=25)


def test_figures_by_hand() -> None:
    # a: two rows, one found, answered once: F1 2*1/(2+1). b: one row, not found, answered once: 0. c: unreadable: 0.
    found = class_scores(["a", "a", "b", "c"], ["a", "b", "z", None])
    assert found.values["accuracy"] == 1 / 4
    assert math.isclose(found.values["macro_f1"], (2 / 3 + 0 + 0) / 3)
    assert math.isclose(found.values["micro_f1"], 2 / (4 + 3))  # three answers can be read
    assert found.counts == {"unreadable": 1, "classes": 3}
    assert found.n == 4


@given(rows)
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[str, str | None]]) -> None:
    truth, answers = zip(*pairs, strict=True)
    said = [answer or "unreadable" for answer in answers]
    found = class_figures(truth, answers)
    assert math.isclose(found["accuracy"], accuracy_score(truth, said))
    macro = f1_score(truth, said, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert math.isclose(found["macro_f1"], macro, abs_tol=1e-12)
    readable = sorted({*truth, *said} - {"unreadable"})
    micro = f1_score(truth, said, labels=readable, average="micro", zero_division=0)
    assert math.isclose(found["micro_f1"], micro, abs_tol=1e-12)


@given(rows)
def test_confusion_is_that_of_scikit_learn(pairs: list[tuple[str, str | None]]) -> None:
    truth, answers = zip(*pairs, strict=True)
    found = confusion(truth, answers)
    labels = [*found.classes, "unreadable"]
    expected = confusion_matrix(truth, [answer or "unreadable" for answer in answers], labels=labels)
    assert np.array_equal(found.counts, expected[:-1, :-1])
    assert np.array_equal(found.unreadable, expected[:-1, -1])
    assert found.counts.sum() + found.unreadable.sum() == len(pairs)


def test_figures_of_single_classes_by_hand() -> None:
    found = confusion(["a", "a", "b", "c"], ["a", "b", "z", None]).by_class()
    assert found["a"].support == 2
    assert (found["a"].precision, found["a"].recall) == (1.0, 0.5)
    assert (found["b"].precision, found["b"].recall, found["b"].f1) == (0, 0, 0)
    assert (found["z"].support, found["z"].recall) == (0, 0)
    assert sum(figures.support for figures in found.values()) == 4


def test_mistakes_are_listed_by_how_often_they_are_made() -> None:
    truth = ["a", "a", "a", "b", "b", "c"]
    assert confusion(truth, ["b", "b", "a", "a", "b", None]).mistakes() == [("a", "b", 2), ("b", "a", 1)]


def test_an_answer_that_cannot_be_read_is_never_better_than_a_wrong_one() -> None:
    truth = ["a", "b", "b", "c"]
    right = class_scores(truth, truth).values
    unread = class_scores(truth, ["a", None, "b", "c"]).values
    assert all(unread[name] < right[name] for name in right)
    assert unread["accuracy"] == class_scores(truth, ["a", "c", "b", "c"]).values["accuracy"]


def test_calibration_is_that_of_the_confidences_that_were_stated() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.random(400)
    right = rng.random(400) < confidence
    answers: list[str | None] = ["a" if hit else "b" for hit in right]
    found = class_scores(["a"] * 400, answers, confidence.tolist())
    assert found.values["calibration_error"] == calibration_error(confidence, right.astype(float))
    assert found.counts["confident"] == 400
    assert "perfectly calibrated" in found.notes[0]
    # An unreadable answer and a row without confidence leave it alone.
    more = class_scores(["a"] * 402, [*answers, None, "a"], [*confidence.tolist(), 0.9, None])
    assert more.values["calibration_error"] == found.values["calibration_error"]
    assert more.counts == {"unreadable": 1, "classes": 1, "confident": 400}


def test_no_confidence_at_all_gives_no_calibration_error() -> None:
    assert "calibration_error" not in class_scores(["a"], ["a"]).values
    found = class_scores(["a", "b"], ["a", None], [None, 0.5])
    assert "calibration_error" not in found.values
    assert found.counts["confident"] == 0
    assert found.notes == ("calibration_error is not defined for these rows.",)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="2 answers do not fit 1 rows"):
        class_scores(["a"], ["a", "b"])
    with pytest.raises(UsageError, match="0 to 1"):
        class_scores(["a"], ["a"], [-0.4])
    with pytest.raises(DataError):
        confusion([], [])
