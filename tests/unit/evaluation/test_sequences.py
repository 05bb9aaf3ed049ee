"""Edits, common subsequences and n-grams by hand, and against the textbook recurrences."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.evaluation.sequences import common_subsequence, edit_distance, meteor_exact, overlap

texts = st.text("CNO(", max_size=14)


@pytest.mark.parametrize(
    ("a", "b", "edits", "common"),
    [
        ("", "", 0, 0),
        ("CCO", "", 3, 0),
        ("", "CCO", 3, 0),
        ("CCO", "CCO", 0, 3),
        ("kitten", "sitting", 3, 4),  # k to s, e to i, g put in; i, t, t, n in common
        ("flaw", "lawn", 2, 3),
        ("ABCBDAB", "BDCABA", 5, 4),  # the example of Cormen et al. for common subsequences: BCBA
    ],
)
def test_by_hand(a: str, b: str, edits: int, common: int) -> None:
    assert edit_distance(a, b) == edits
    assert common_subsequence(a, b) == common


def table(a: str, b: str) -> tuple[int, int]:
    """Follow the recurrences of the textbook, cell by cell."""
    edits = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    common = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            same = a[i - 1] == b[j - 1]
            edits[i][j] = min(edits[i - 1][j] + 1, edits[i][j - 1] + 1, edits[i - 1][j - 1] + (not same))
            common[i][j] = common[i - 1][j - 1] + 1 if same else max(common[i - 1][j], common[i][j - 1])
    return edits[-1][-1], common[-1][-1]


@given(texts, texts)
def test_bits_agree_with_the_recurrences(a: str, b: str) -> None:
    assert (edit_distance(a, b), common_subsequence(a, b)) == table(a, b)


def test_more_tokens_than_a_machine_word_has_bits() -> None:
    a, b = "CN" * 100, "NC" * 100
    assert (edit_distance(a, b), common_subsequence(a, b)) == (2, 199)


@given(texts, texts, texts)
def test_edits_are_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a == b)


def test_words_are_tokens_as_characters_are() -> None:
    assert edit_distance(["an", "acid"], ["an", "aromatic", "acid"]) == 1
    assert common_subsequence(["an", "acid"], ["acid", "an"]) == 1
    assert overlap(["an", "acid", "an"], ["an", "an", "an"], 1) == (2, 3, 3)
    assert overlap("CCO", "CCC", 2) == (1, 2, 2)
    assert overlap("C", "CCC", 2) == (0, 2, 0)


def test_meteor_by_hand() -> None:
    # One right word of one: precision, recall and mean 1, one run: 1 - 1/2. Two of two: 1 - 1/2 * (1/2)**3.
    assert meteor_exact(["acid"], ["acid"]) == 0.5
    assert meteor_exact(["an", "acid"], ["an", "acid"]) == 15 / 16
    # Exchanged: two runs, 1 - 1/2 * (2/2)**3.
    assert meteor_exact(["an", "acid"], ["acid", "an"]) == 0.5
    # Half of the answer is right: P 1/2, R 1, mean 1/2 / (9/20 + 1/10) = 10/11, one run of one.
    assert math.isclose(meteor_exact(["acid"], ["an", "acid"]), 5 / 11)
    assert meteor_exact(["acid"], []) == meteor_exact([], ["acid"]) == 0
