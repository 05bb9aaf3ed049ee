"""The most frequent answers of the training rows, for every question alike: the least a model must beat."""

import math
from collections.abc import Sequence
from pathlib import Path

from retort.inference.proposer import Proposals, proposal_of
from retort.inference.training_answers import TrainingAnswers
from retort.prompting.task import TASKS, Question


class Popularity:
    """Proposes the most frequent answers.

    Args:
        answers: Those of the training rows.
        name: What its candidates call their proposer.
    """

    def __init__(self, answers: TrainingAnswers, name: str = "popularity") -> None:
        self.name = name
        self._answers = answers
        self._kind = TASKS.get(answers.task).answer_kind

    @classmethod
    def load(cls, path: Path, name: str = "popularity") -> "Popularity":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(TrainingAnswers.load(path, "popularity"), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return the same ``top_k`` candidates for every question; score = log of the share of training rows."""
        pairs = zip(self._answers.texts[:top_k], self._answers.counts[:top_k].tolist(), strict=True)
        found = tuple(proposal_of(self._kind, text, math.log(n / self._answers.rows), self.name) for text, n in pairs)
        return [Proposals(found, {})] * len(questions)
