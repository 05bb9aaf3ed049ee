"""Figures of captions against NLTK, and against rouge-score where it is installed."""

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu as nltk_bleu
from nltk.translate.meteor_score import meteor_score

from retort.evaluation.bleu import corpus_bleu
from retort.evaluation.captions import rouge_l, rouge_n, words
from retort.evaluation.sequences import meteor_exact

vocabulary = st.sampled_from(["the", "molecule", "is", "a", "weak", "acid", "2", "methyl"])
captions = st.lists(vocabulary, min_size=4, max_size=9)
corpora = st.lists(st.tuples(captions, captions), min_size=1, max_size=6)
short = st.lists(vocabulary, max_size=6)


@given(corpora, st.sampled_from([2, 4]))
def test_bleu_is_that_of_nltk_where_every_text_has_four_words(
    rows: list[tuple[list[str], list[str]]], orders: int
) -> None:
    targets, answers = zip(*rows, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NLTK warns where an order has no match
        expected = nltk_bleu([[target] for target in targets], list(answers), weights=[1 / orders] * orders)
    # NLTK takes an order without a match for the smallest float, which is 1e-77 at the least power that is taken here.
    assert math.isclose(corpus_bleu(targets, answers, orders), expected, rel_tol=1e-9, abs_tol=1e-70)


class NoStems:
    """A stemmer that leaves words as they are."""

    def stem(self, word: str) -> str:
        return word


class NoSynonyms:
    """A WordNet in which no word has a synonym."""

    def synsets(self, word: str) -> list[object]:
        return []


@given(short, short)
def test_meteor_is_that_of_nltk_without_stems_and_synonyms(target: list[str], answer: list[str]) -> None:
    expected = meteor_score([target], answer, stemmer=NoStems(), wordnet=NoSynonyms())
    assert math.isclose(meteor_exact(target, answer), expected, rel_tol=1e-12)


@given(st.text("abAB 12.,-()'", max_size=30), st.text("abAB 12.,-()'", max_size=30))
def test_rouge_is_that_of_rouge_score(target: str, answer: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="rouge-score is not installed")
    found = scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False).score(target, answer)
    left, right = words(target), words(answer)
    assert math.isclose(rouge_n(left, right, 1), found["rouge1"].fmeasure, rel_tol=1e-12)
    assert math.isclose(rouge_l(left, right), found["rougeL"].fmeasure, rel_tol=1e-12)
    if len(left) != 1 or len(right) != 1:  # one word has no pair: there rouge-score gives 0 to what is perfect
        assert math.isclose(rouge_n(left, right, 2), found["rouge2"].fmeasure, rel_tol=1e-12)
