"""The toy answers by rule."""

import pytest

from retort.models.protocol import Hypothesis, Seq2Seq
from retort.models.toy import ToySeq2Seq
from retort.prompting.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.build([])


def answers(vocabulary: Vocabulary, question: str, count: int, max_length: int = 99) -> list[Hypothesis]:
    toy: Seq2Seq = ToySeq2Seq(vocabulary)
    source = vocabulary.encode(question)
    return toy.generate([source], beam_size=count, num_hypotheses=count, max_length=max_length)[0]


def test_it_copies_and_adds_water(vocabulary: Vocabulary) -> None:
    found = answers(vocabulary, "<retrosynthesis><class_3>CCO", 3)
    assert [vocabulary.decode(h.tokens) for h in found] == ["CCO", "CCO.O", "CCO.O.O"]
    assert [h.score for h in found] == [-0.1, -0.2, -0.3]


def test_it_stops_at_the_arrow_and_at_the_length(vocabulary: Vocabulary) -> None:
    found = answers(vocabulary, "<reagent_prediction>CC>>CO", 9, max_length=5)
    assert [vocabulary.decode(h.tokens) for h in found] == ["CC", "CC.O"]


def test_it_scores_what_it_says(vocabulary: Vocabulary) -> None:
    toy = ToySeq2Seq(vocabulary)
    question = "<forward_prediction>CC.Cl"
    source = vocabulary.encode(question)
    for h in answers(vocabulary, question, 4):
        assert toy.score([source], [h.tokens]) == [pytest.approx(h.score * (len(h.tokens) + 1))]
    other = vocabulary.encode("CN.Cl")[:-1]
    assert toy.score([source, source], [other, []]) == [-10.0 * (len(other) + 1), -10.0]
