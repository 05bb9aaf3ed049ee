"""The language model as a proposer: spellings, votes, reading answers, limits."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.chem.smiles import canonicalize
from retort.inference.proposer import Proposal, TypeRead
from retort.inference.proposers.language_model import Ballot, Decoding, LanguageModel, rank_by_probability, spellings
from retort.models.protocol import Hypothesis
from retort.models.toy import ToySeq2Seq
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build(())


class Scripted(ToySeq2Seq):
    """A toy that answers from a list, whatever it is asked, and remembers the questions."""

    def __init__(self, *answers: tuple[str, float]) -> None:
        super().__init__(VOCABULARY)
        self.answers = [Hypothesis(tuple(VOCABULARY.encode(text)[:-1]), score) for text, score in answers]
        self.asked: list[tuple[int, ...]] = []

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        self.asked += [tuple(source) for source in sources]
        return [self.answers[:num_hypotheses] for _ in sources]


def propose(
    model: ToySeq2Seq, given: str, top_k: int = 5, **decoding: int
) -> tuple[tuple[Proposal, ...], dict[str, int]]:
    proposer = LanguageModel(model, VOCABULARY, Decoding(**decoding))
    (found,) = proposer.propose([Question("retrosynthesis", given)], top_k)
    return found.candidates, dict(found.unreadable)


def test_answers_are_canonical_and_distinct_and_add_up_their_probabilities() -> None:
    candidates, unreadable = propose(Scripted(("OCC", -0.1), ("C(C)O", -0.2), ("CC.C", -0.3)), "CCCC")
    both = math.log(math.exp(-0.1 * 4) + math.exp(-0.2 * 6)) / 4
    assert candidates == (
        Proposal("CCO", pytest.approx(both), "language_model"),  # type: ignore[arg-type]
        Proposal("C.CC", pytest.approx(-0.3), "language_model"),  # type: ignore[arg-type]
    )
    assert unreadable == {}


def test_unreadable_answers_are_counted_by_reason_and_never_guessed_at() -> None:
    answers = [("C1CC", -0.1), ("c1cc", -0.2), ("", -0.3), ("<text>hi</text>", -0.4), ("CO", -0.5)]
    candidates, unreadable = propose(Scripted(*answers), "CCCC")
    assert [c.smiles for c in candidates] == ["CO"]
    assert sum(unreadable.values()) == 4
    assert unreadable["invalid SMILES"] == 2
    assert unreadable["empty answer"] == 1


def test_a_cut_off_answer_is_unreadable_even_where_it_happens_to_be_valid() -> None:
    candidates, unreadable = propose(Scripted(("CCCCC", -0.1)), "CC", max_target_tokens=5)
    assert candidates == ()
    assert unreadable == {"longer than 5 tokens": 1}


def test_words_are_asked_once_as_they_are_and_texts_are_answered_as_texts() -> None:
    model = Scripted(("OCC", -0.1))
    asked = Question("name_conversion", "<text>ethanol, absolute</text>")
    (found,) = LanguageModel(model, VOCABULARY, Decoding(augmentations=5)).propose([asked], 3)
    assert [c.smiles for c in found.candidates] == ["CCO"]
    assert model.asked == [tuple(VOCABULARY.encode("<name_conversion><text>ethanol, absolute</text>"))]
    model = Scripted(("<text>An alcohol,  it is.</text>", -0.1), ("<text></text>", -0.2), ("CCO<class_1>", -0.3))
    (told,) = LanguageModel(model, VOCABULARY, Decoding()).propose([Question("molecule_captioning", "CCO")], 3)
    assert [(c.text, c.smiles) for c in told.candidates] == [("An alcohol, it is.", "")]
    assert sum(told.unreadable.values()) == 2


def test_texts_have_a_limit_of_their_own() -> None:
    said = "<text>An alcohol.</text>"  # 11 bytes between two marks
    for limit, answers in ((13, 0), (14, 1)):
        model = LanguageModel(Scripted((said, -0.1)), VOCABULARY, Decoding(max_target_tokens=5, max_text_tokens=limit))
        (found,) = model.propose([Question("molecule_captioning", "CCO")], 1)
        assert len(found.candidates) == answers
    words = Question("text_to_molecule", "<text>An alcohol of two carbon atoms.</text>")
    short = Decoding(max_source_tokens=600, max_text_tokens=20)
    (refused,) = LanguageModel(Scripted(("C", -0.1)), VOCABULARY, short).propose([words], 1)
    assert list(refused.unreadable) == ["the query has 35 tokens and the language model reads 20"]
    assert math.isnan(LanguageModel(Scripted(), VOCABULARY, short).score([(words, "CCO")])[0][0])


def test_a_long_query_is_refused_by_name_and_number() -> None:
    model = Scripted(("C", -0.1))
    candidates, unreadable = propose(model, "C" * 30, max_source_tokens=20)
    assert candidates == ()
    assert unreadable == {"the query has 32 tokens and the language model reads 20": 1}
    assert model.asked == []


def test_equal_questions_are_asked_once_and_each_gets_its_answer() -> None:
    model = ToySeq2Seq(VOCABULARY)
    proposer = LanguageModel(model, VOCABULARY, Decoding())
    questions = [Question("forward_prediction", given) for given in ("CC", "OO", "CC")]
    first, second, third = proposer.propose(questions, 2)
    assert [c.smiles for c in first.candidates] == ["CC", "CC.O"]
    assert [c.smiles for c in second.candidates] == ["OO", "O.OO"]
    assert first == third
    counting = Scripted(("C", -0.1))
    LanguageModel(counting, VOCABULARY, Decoding()).propose(questions, 2)
    assert len(counting.asked) == 2


def test_a_known_class_stands_in_the_prompt() -> None:
    model = Scripted(("C", -0.1))
    question = Question("retrosynthesis", "CC", reaction_class=3)
    LanguageModel(model, VOCABULARY, Decoding()).propose([question], 1)
    assert VOCABULARY.decode(model.asked[0]) == "<retrosynthesis><class_3>CC"


def test_augmentation_asks_distinct_spellings_of_the_same_query() -> None:
    model = Scripted(("C", -0.1))
    propose(model, "CC(=O)NCc1ccccc1", augmentations=6)
    asked = [VOCABULARY.decode(source).removeprefix("<retrosynthesis>") for source in model.asked]
    assert len(asked) == len(set(asked)) == 6
    assert {canonicalize(text) for text in asked} == {canonicalize("CC(=O)NCc1ccccc1")}


def test_more_beams_are_used_where_more_candidates_are_wanted() -> None:
    answers = [("C" * n, -float(n)) for n in range(1, 15)]
    candidates, _ = propose(Scripted(*answers), "O", top_k=12, beam_size=3)
    assert len(candidates) == 12
    candidates, _ = propose(Scripted(*answers), "CCO", top_k=12, beam_size=3, augmentations=2)
    assert len(candidates) == 6


@pytest.mark.parametrize(
    "query",
    ["CCO.c1ccccc1Br", "CC(=O)Cl.NCc1ccccc1>ClCCl.CCN(CC)CC", "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "C->[Fe]"],
)
def test_spellings_respell_each_role_and_keep_the_roles(query: str) -> None:
    import re

    def roles(text: str) -> list[str]:
        return [canonicalize(role) if role else "" for role in re.split(r"(?<!-)>", text)]

    found = spellings(query, 5)
    assert 1 < len(found) <= 5
    assert len(set(found)) == len(found)
    assert all(roles(text) == roles(query) for text in found)


def hypothesis(probability: float, tokens: int) -> Hypothesis:
    return Hypothesis((5,) * tokens, math.log(probability) / (tokens + 1))


def test_probabilities_are_averaged_over_spellings_and_summed_within_one() -> None:
    ballots = [
        Ballot([("A", hypothesis(0.6, 3)), ("B", hypothesis(0.3, 4)), ("B", hypothesis(0.1, 2))]),
        Ballot([("B", hypothesis(0.5, 4)), ("C", hypothesis(0.4, 1))]),
        Ballot([("C", hypothesis(0.3, 1))]),
    ]
    ranked = rank_by_probability(ballots)
    assert [answer for answer, *_ in ranked] == ["B", "C", "A"]
    expected = [math.log(0.9 / 3) / 5, math.log(0.7 / 3) / 2, math.log(0.6 / 3) / 4]
    assert [score for _, score, _ in ranked] == pytest.approx(expected)


def test_types_mix_by_their_probability_and_an_answer_carries_the_one_that_gives_it_most() -> None:
    first, second = TypeRead(4, "", 0.6), TypeRead(2, "", 0.2)  # what is missing to 1 is not asked, and scaled away
    ballots = [
        Ballot([("A", hypothesis(0.5, 3)), ("B", hypothesis(0.3, 3))], 0.6, first),
        Ballot([("B", hypothesis(1.0, 3))], 0.2, second),
    ]
    ranked = rank_by_probability(ballots)
    assert [(answer, kind) for answer, _, kind in ranked] == [("B", second), ("A", first)]
    expected = [math.log((0.6 * 0.3 + 0.2 * 1.0) / 0.8) / 4, math.log(0.6 * 0.5 / 0.8) / 4]
    assert [score for _, score, _ in ranked] == pytest.approx(expected)


def test_one_spelling_keeps_the_scores_of_its_hypotheses() -> None:
    ranked = rank_by_probability([Ballot([("A", Hypothesis((5, 6), -0.2)), ("B", Hypothesis((5, 6, 7), -0.16))])])
    assert ranked == [("A", pytest.approx(-0.2), None), ("B", pytest.approx(-0.16), None)]


def test_an_unlikely_answer_is_not_lost_to_rounding() -> None:
    ((answer, score, _),) = rank_by_probability([Ballot([("A", Hypothesis((5,) * 199, -9.0))]), Ballot([])])
    assert answer == "A"
    assert score == pytest.approx(-9.0 - math.log(2) / 200)


answers = st.sampled_from("ABCDE")
hypotheses = st.builds(
    lambda tokens, score: Hypothesis((5,) * tokens, score), st.integers(0, 40), st.floats(-9, 0, allow_subnormal=False)
)
voted = st.builds(Ballot, st.lists(st.tuples(answers, hypotheses), max_size=5), st.sampled_from([0.1, 0.5, 1.0]))
ballots = st.lists(voted, min_size=1, max_size=5)


@given(ballots, st.randoms(use_true_random=False))
def test_the_order_of_the_ballots_does_not_matter(ballots: list[Ballot], rng: object) -> None:
    shuffled = list(ballots)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank_by_probability(ballots) == rank_by_probability(shuffled)
