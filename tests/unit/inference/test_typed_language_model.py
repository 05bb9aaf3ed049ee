"""A language model that is told types: three ways of telling, and what its candidates carry."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from retort.errors import ModelError
from retort.inference.proposer import TypeRead
from retort.inference.proposers.language_model import Decoding, LanguageModel
from retort.inference.proposers.typed_language_model import TypedLanguageModel, TypeReader, ways
from retort.models.annotator import Annotation
from retort.models.pooling import Tokens
from retort.models.protocol import Hypothesis
from retort.models.toy import ToySeq2Seq
from retort.prompting.reaction_types import TypeRange
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build(())
TYPES = TypeRange(3, names=("ester", "amide", "ether"))
ASKED = Question("retrosynthesis", "CCCC")


class ByType(ToySeq2Seq):
    """Answers by the first type of the prompt: type 0 ``CO`` or ``CC``, type 1 ``CC``, any other or none ``CN``."""

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        self.asked = [VOCABULARY.decode(source) for source in sources]
        answers = {0: [("CO", 0.5), ("CC", 0.4)], 1: [("CC", 0.9)]}
        return [self._say(answers.get(self._type(source), [("CN", 1.0)])) for source in sources]

    @staticmethod
    def _type(source: Sequence[int]) -> int:
        text = VOCABULARY.tokens[source[1]]
        return int(text.removeprefix("<type_").removesuffix(">")) if text.startswith("<type_") else -1

    @staticmethod
    def _say(answers: Sequence[tuple[str, float]]) -> list[Hypothesis]:
        return [Hypothesis(tuple(VOCABULARY.encode(text)[:-1]), math.log(p) / 3) for text, p in answers]


class Fixed:
    """An annotator that reads the same from every source, and remembers these."""

    types = 3

    def __init__(self, *shares: float) -> None:
        self.shares = shares
        self.sources: list[str] = []

    def annotate(self, sources: Sequence[Tokens]) -> Annotation:
        self.sources += [VOCABULARY.decode([int(token) for token in source]) for source in sources]
        return Annotation(np.array([self.shares] * len(sources)))


def proposer(telling: str, annotator: Fixed, top_types: int = 3) -> tuple[TypedLanguageModel, ByType]:
    engine = ByType(VOCABULARY)
    model = LanguageModel(engine, VOCABULARY, Decoding())
    reader = TypeReader("retrosynthesis", annotator, VOCABULARY, TYPES)
    return TypedLanguageModel(model, reader, telling, top_types), engine  # type: ignore[arg-type]


def test_the_likeliest_type_is_told() -> None:
    model, engine = proposer("likeliest", Fixed(0.6, 0.3, 0.1))
    (found,) = model.propose([ASKED], 5)
    assert engine.asked == ["<retrosynthesis><type_0>CCCC"]
    assert [(c.smiles, c.reaction_type) for c in found.candidates] == [
        ("CO", TypeRead(0, "ester", 0.6)),
        ("CC", TypeRead(0, "ester", 0.6)),
    ]


def test_the_answers_of_several_types_are_mixed() -> None:
    model, engine = proposer("mixture", Fixed(0.6, 0.4, 0.0))
    (found,) = model.propose([ASKED], 5)
    assert sorted(engine.asked) == ["<retrosynthesis><type_0>CCCC", "<retrosynthesis><type_1>CCCC"]
    assert [c.smiles for c in found.candidates] == ["CC", "CO"]  # 0.6 x 0.4 + 0.4 x 0.9 = 0.60 against 0.30
    assert [c.score for c in found.candidates] == pytest.approx([math.log(0.60) / 3, math.log(0.30) / 3])
    assert [c.reaction_type.id for c in found.candidates if c.reaction_type] == [1, 0]


def test_no_more_types_are_mixed_than_asked_for() -> None:
    model, engine = proposer("mixture", Fixed(0.5, 0.3, 0.2), top_types=2)
    model.propose([ASKED], 5)
    assert len(engine.asked) == 2


def test_shares_are_told_in_one_prompt() -> None:
    model, engine = proposer("shares", Fixed(0.25, 0.75, 0.0))
    (found,) = model.propose([ASKED], 5)
    assert engine.asked == ["<retrosynthesis>" + "<type_1>" * 6 + "<type_0>" * 2 + "CCCC"]
    assert [c.reaction_type for c in found.candidates] == [TypeRead(1, "amide", 0.75)]


def test_types_are_read_from_the_query_alone_and_once() -> None:
    annotator = Fixed(1.0, 0.0, 0.0)
    stated = Question("retrosynthesis", "CCCC", reaction_class=3, reaction_types=(2,))
    proposer("likeliest", annotator)[0].propose([ASKED, stated, ASKED], 5)
    assert annotator.sources == ["<retrosynthesis>CCCC"] * 2


def test_a_question_of_another_task_has_no_such_types() -> None:
    model, _ = proposer("likeliest", Fixed(1.0, 0.0, 0.0))
    with pytest.raises(ModelError, match="types are of 'retrosynthesis'"):
        model.propose([Question("forward_prediction", "CC.CO")], 5)


def test_types_without_names_are_told_by_number() -> None:
    (way,) = ways(ASKED, (0.0, 1.0), "mixture", TypeRange(2))
    assert (way.type_read, way.weight) == (TypeRead(1, "", 1.0), 1.0)
