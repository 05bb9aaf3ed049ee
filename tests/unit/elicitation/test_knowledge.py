"""What each source of knowledge tells of train and held-out rows."""

import numpy as np
import pytest

from retort.elicitation.checks import LabelError
from retort.elicitation.knowledge import BOUNDS, SOURCES, Knowledge, RowTypes, knowledge_named, told
from retort.errors import UnknownNameError

READ = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.5, 0.25, 0.25]])


def rows(labels: list[int], classes: list[int] | None = None) -> RowTypes:
    """Return rows whose annotator says 1, 0, 2, 0, over and over."""
    read = READ[np.arange(len(labels)) % len(READ)]
    return RowTypes(np.array(labels), read, np.array(classes or [0] * len(labels)))


TRAIN, HELD = rows([2, 2, 2, 1], [1, 10, 3, 3]), rows([0, 0, 1], [4, 5, 6])


def chosen(shares: np.ndarray | None) -> list[int]:
    """Return the one type of every row, after checking that it has all of the shares."""
    assert shares is not None
    assert (np.sort(shares, axis=1)[:, :-1] == 0).all()
    assert (shares.max(axis=1) == 1).all()
    return [int(i) for i in shares.argmax(axis=1)]


@pytest.mark.parametrize(
    ("knowledge", "train", "held"),
    [
        ("oracle", [2, 2, 2, 1], [0, 0, 1]),
        ("predicted", [2, 2, 2, 1], [1, 0, 2]),
        ("out_of_fold", [1, 0, 2, 0], [1, 0, 2]),
    ],
)
def test_who_sees_what(knowledge: Knowledge, train: list[int], held: list[int]) -> None:
    found = told(knowledge, TRAIN, HELD)
    assert (chosen(found.train), chosen(found.held_out)) == (train, held)
    assert not found.classes


def test_off_tells_nothing() -> None:
    assert told("off", TRAIN, HELD).train is None
    assert told("off", TRAIN, HELD).held_out is None


def test_soft_keeps_all_probabilities() -> None:
    found = told("soft", TRAIN, HELD)
    assert found.train is TRAIN.read
    assert found.held_out is HELD.read


def test_curated_are_classes_counted_from_one() -> None:
    found = told("curated", TRAIN, HELD)
    assert found.classes
    assert (chosen(found.train), chosen(found.held_out)) == ([0, 9, 2, 2], [3, 4, 5])
    with pytest.raises(LabelError, match="1 of 4 rows have no curated class"):
        told("curated", rows([0, 0, 0, 0], [1, 2, 0, 3]), HELD)


def test_shuffled_keeps_the_counts_and_loses_the_rows() -> None:
    many = rows([0] * 400)
    honest, dealt = told("out_of_fold", many, many), told("shuffled", many, many, seed=3)
    assert honest.train is not None
    assert dealt.train is not None
    assert (honest.train.sum(axis=0) == dealt.train.sum(axis=0)).all()
    alike = (honest.train.argmax(axis=1) == dealt.train.argmax(axis=1)).mean()
    by_chance = (honest.train.mean(axis=0) ** 2).sum()  # 0.375
    assert abs(alike - by_chance) < 0.1
    again = told("shuffled", many, many, seed=3)
    assert (again.train == dealt.train).all()  # type: ignore[union-attr]
    assert (told("shuffled", many, many, seed=4).train != dealt.train).any()  # type: ignore[union-attr]


def test_input_only_wants_clusters_of_inputs() -> None:
    with pytest.raises(LabelError, match="clusters of the inputs"):
        told("input_only", TRAIN, HELD)
    found = told("input_only", TRAIN, HELD, inputs=True)
    assert (chosen(found.train), chosen(found.held_out)) == ([2, 2, 2, 1], [0, 0, 1])


@pytest.mark.parametrize("knowledge", [name for name in SOURCES if name not in ("off", "input_only", *BOUNDS)])
def test_no_source_but_a_bound_looks_at_the_answer_of_a_held_out_row(knowledge: Knowledge) -> None:
    other = RowTypes(np.array([1, 2, 0]), HELD.read, HELD.classes)
    first, second = (told(knowledge, TRAIN, held, seed=1).held_out for held in (HELD, other))
    assert (first == second).all()  # type: ignore[union-attr]


def test_rows_that_do_not_fit() -> None:
    with pytest.raises(LabelError, match="not of the same rows"):
        RowTypes(np.array([0]), READ, np.zeros(4, np.int64))
    with pytest.raises(LabelError, match="not a distribution"):
        RowTypes(np.array([0, 1, 2, 0]), READ / 2, np.zeros(4, np.int64))
    two = RowTypes(np.array([0, 1]), np.array([[1.0, 0.0], [0.5, 0.5]]), np.zeros(2, np.int64))
    with pytest.raises(LabelError, match="train rows have 3 types, held-out rows 2"):
        told("oracle", TRAIN, two)
    with pytest.raises(UnknownNameError):
        knowledge_named("orakle")
