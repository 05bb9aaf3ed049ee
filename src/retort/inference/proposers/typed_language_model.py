"""A language model that is told the reaction type of what it is asked, as an annotator reads it from the query.

Three ways of telling: the likeliest type; all types in shares; or every one of the likeliest types by itself, whose
answers are then mixed by how probable the types are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retort.errors import ModelError
from retort.inference.proposer import Proposals, TypeRead
from retort.inference.proposers.language_model import LanguageModel, Way
from retort.inference.questions import plain
from retort.models.annotator import Annotator
from retort.prompting.reaction_types import Telling, TypeRange, ways_of_telling
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class TypeReader:
    """What reads the types of questions.

    Attributes:
        task: The task whose types they are.
        annotator: Reads token ids.
        vocabulary: Makes them.
        types: The types, with their names.
    """

    task: str
    annotator: Annotator
    vocabulary: Vocabulary
    types: TypeRange

    def read(self, questions: Sequence[Question]) -> list[tuple[float, ...]]:
        """Return the probability of each type for every question; whatever type or class it states is not looked at.

        Raises:
            ModelError: A question is of another task.
        """
        strange = {question.task for question in questions} - {self.task}
        if strange:
            raise ModelError(f"the types are of {self.task!r}, a question of {min(strange)!r}.")
        if not questions:
            return []
        sources = [self.vocabulary.encode(plain(question).prompt) for question in questions]
        return [tuple(row) for row in self.annotator.annotate(sources).probabilities.tolist()]


class TypedLanguageModel:
    """Proposes what a language model answers when it is told the type.

    Args:
        model: The language model, trained with types in its prompts.
        reader: What reads them.
        telling: How they are told.
        top_types: The most types whose answers are mixed.
    """

    def __init__(self, model: LanguageModel, reader: TypeReader, telling: Telling, top_types: int = 3) -> None:
        self.name = model.name
        self._model, self._reader, self._telling, self._top = model, reader, telling, top_types

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question, each with the type under which it is likeliest."""
        distinct = list(dict.fromkeys(questions))
        read = dict(zip(distinct, self._reader.read(distinct), strict=True))
        rows = [ways(q, read[q], self._telling, self._reader.types, self._top) for q in questions]
        return self._model.propose_mixed(rows, top_k)


def ways(
    question: Question, shares: Sequence[float], telling: Telling, types: TypeRange, top_types: int = 3
) -> tuple[Way, ...]:
    """Return the ways of asking a question of whose types the shares are known; each carries its first type.

    Raises:
        DataError: The shares are none, or not one per type.
    """

    def read(label: int) -> TypeRead:
        return TypeRead(label, types.shown(label) if types.names else "", shares[label])

    return tuple(
        Way(replace(question, reaction_types=labels), weight, read(labels[0]))
        for labels, weight in ways_of_telling(shares, telling, top_types)
    )
