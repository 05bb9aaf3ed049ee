"""Captions by hand; the parity with other programs is tested in ``tests/parity``."""

import math

import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.bleu import corpus_bleu
from retort.evaluation.captions import caption_scores, rouge_l, rouge_n, words

TARGET = "The molecule is a carboxylic acid."


def test_words() -> None:
    assert words("The 2-methylbutane, (an ALKANE)_x.") == ["the", "2", "methylbutane", "an", "alkane", "x"]
    assert words("α-D-glucose") == ["α", "d", "glucose"]
    assert words(" .,; ") == []


def test_bleu_by_hand() -> None:
    target, answer = words("the molecule is an acid"), words("the molecule is a base")
    # words 3 of 5, pairs 2 of 4, triples 1 of 3, fours 0 of 2
    assert math.isclose(corpus_bleu([target], [answer], 2), math.sqrt(3 / 5 * 2 / 4))
    assert math.isclose(corpus_bleu([target], [answer], 3), (3 / 5 * 2 / 4 * 1 / 3) ** (1 / 3))
    assert corpus_bleu([target], [answer], 4) == 0
    # half as long: all precisions 1, brevity exp(1 - 5/3)
    assert math.isclose(corpus_bleu([target], [answer[:3]], 2), math.exp(1 - 5 / 3))


def test_short_captions_that_are_right_are_perfect() -> None:
    assert corpus_bleu([["acid"], ["a", "base"]], [["acid"], ["a", "base"]]) == 1
    assert corpus_bleu([["acid"]], [["base"]]) == corpus_bleu([["acid"]], [[]]) == 0


def test_rouge_by_hand() -> None:
    target, answer = ["police", "killed", "the", "gunman"], ["police", "kill", "the", "gunman"]  # Lin 2004, section 3
    assert rouge_n(target, answer, 1) == 3 / 4
    assert rouge_n(target, answer, 2) == 1 / 3
    assert rouge_l(target, answer) == 3 / 4
    assert rouge_l(target, ["the", "gunman", "kill", "police"]) == 2 / 4  # Lin's second candidate
    assert rouge_n(["acid"], ["acid"], 2) == 1
    assert rouge_n(["acid"], ["base"], 2) == rouge_n([], [], 2) == rouge_l([], []) == rouge_n([], [], 1) == 0


def test_every_caption_counts() -> None:
    found = caption_scores([TARGET, TARGET, TARGET, ""], [TARGET, None, "...", "anything"])
    assert found.n == 4
    assert found.values["rouge_1"] == found.values["rouge_l"] == 1 / 4
    assert found.counts == {"unreadable": 2, "empty_targets": 1}
    assert set(found.values) == {"bleu_2", "bleu_4", "meteor_exact", "rouge_1", "rouge_2", "rouge_l"}
    assert set(found.intervals) == set(found.values)


def test_capitals_and_marks_do_not_matter() -> None:
    found = caption_scores([TARGET], [TARGET.upper().replace(".", "!")])
    assert found.values["rouge_2"] == found.values["bleu_4"] == 1
    assert found.values["meteor_exact"] == 1 - 0.5 / 6**3


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="1 answers do not fit 2 rows"):
        caption_scores(["a", "b"], ["a"])
    with pytest.raises(DataError):
        caption_scores([], [])
