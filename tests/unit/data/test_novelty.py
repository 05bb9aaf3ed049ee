"""How near held-out scaffolds are to train scaffolds: nothing near is chosen, and what has no ring is told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.data.novelty import highest_similarity, novelty
from retort.errors import DataError

TRAIN = [("Cc1ccccc1", "CCO"), ("c1ccc2[nH]ccc2c1",)]


def test_the_same_rings_are_as_near_as_can_be_whatever_hangs_on_them() -> None:
    found = novelty([("CCc1ccccc1",), ("O=C(Cl)c1ccccc1", "CO")], TRAIN)
    assert found.similarity.tolist() == [1.0, 1.0]
    assert not found.acyclic.any()


def test_new_rings_are_far_and_no_ring_is_neither() -> None:
    found = novelty([("C1CC2CCC1CC2",), ("CCO", "CC(=O)Cl")], TRAIN)
    assert found.similarity[0] < 0.3
    assert found.acyclic.tolist() == [False, True]
    assert found.below(0.6, acyclic=False).tolist() == [0]
    assert found.below(0.6, acyclic=True).tolist() == [0, 1]


def test_molecules_that_stand_together_are_compared_together() -> None:
    both = novelty([("c1ccccc1", "c1ccc2[nH]ccc2c1")], [("c1ccccc1",), ("c1ccc2[nH]ccc2c1",)])
    assert both.similarity[0] < 1
    assert novelty([("c1ccc2[nH]ccc2c1", "c1ccccc1")], [("c1ccccc1", "c1ccc2[nH]ccc2c1")]).similarity[0] == 1


def test_a_ring_that_cannot_be_read_by_itself_adds_nothing() -> None:
    ferrocene = "[Fe+2].c1cc[cH-]c1.c1cc[c-](P(c2ccccc2)c2ccccc2)c1"
    assert novelty([tuple(ferrocene.split("."))], TRAIN).similarity[0] > 0


def test_train_rows_without_rings_cannot_be_compared_with() -> None:
    with pytest.raises(DataError, match="no train row has a ring"):
        novelty([("c1ccccc1",)], [("CCO",)])


words = st.lists(st.lists(st.integers(1, 2**64 - 1), min_size=3, max_size=3), min_size=1, max_size=6)


@given(words, words)
def test_similarity_is_the_definition(first: list[list[int]], second: list[list[int]]) -> None:
    queries, references = np.array(first, np.uint64), np.array([*second, [1, 0, 0]], np.uint64)
    bits = [[_places(row) for row in rows.tolist()] for rows in (queries, references)]
    expected = [max(len(a & b) / len(a | b) for b in bits[1]) for a in bits[0]]
    assert highest_similarity(queries, references) == pytest.approx(expected, abs=1e-6)


def _places(row: list[int]) -> set[int]:
    return {64 * word + bit for word, value in enumerate(row) for bit in range(64) if value >> bit & 1}
