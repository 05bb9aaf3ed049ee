"""The answers of the most similar training questions, whether these are reactions, molecules or words."""

import math
from collections.abc import Sequence
from pathlib import Path

from retort.errors import ChemistryError
from retort.evaluation.baselines import Neighbours
from retort.inference.proposer import Proposals, proposal_of
from retort.inference.training_answers import Nearest, TrainingAnswers
from retort.prompting.task import TASKS, Question


class NearestReaction:
    """Proposes the distinct answers of the nearest training rows, nearest first.

    Args:
        answers: Those of the training rows.
        name: What its candidates call their proposer.
    """

    def __init__(self, answers: TrainingAnswers, name: str = "nearest_reaction") -> None:
        self.name = name
        self._answers = answers
        self._kind = TASKS.get(answers.task).answer_kind
        self._neighbours = Neighbours.of(answers.bits)

    @classmethod
    def load(cls, path: Path, name: str = "nearest_reaction", kind: Nearest = "nearest_reaction") -> "NearestReaction":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(TrainingAnswers.load(path, kind), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question; score = log of the neighbour's Tanimoto similarity."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        found: dict[str, float] = {}
        try:
            for row, similarity in self._neighbours.nearest(question.given):
                found.setdefault(self._answers.texts[self._answers.which[row]], math.log(similarity))
                if len(found) == top_k:
                    break
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        return Proposals(tuple(proposal_of(self._kind, text, score, self.name) for text, score in found.items()), {})
