"""What the templates of the most similar training rows make of a question: the nearest precedent, carried over."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from retort.chem.templates import Substrate, Template
from retort.errors import ChemistryError, ModelError
from retort.evaluation.baselines import Neighbours
from retort.inference.proposer import Proposal, Proposals
from retort.inference.proposers.template_ranker import DIRECTIONS, MAX_FITTING, MAX_TRIED
from retort.inference.questions import split_roles
from retort.inference.training_answers import TrainingAnswers
from retort.prompting.task import Question


class NearestTemplate:
    """Applies the distinct templates of the nearest training rows, nearest first.

    Args:
        answers: The templates of the training rows.
        name: What its candidates call their proposer.

    Raises:
        ModelError: The task is one that templates do not answer.
    """

    def __init__(self, answers: TrainingAnswers, name: str = "nearest_template") -> None:
        if answers.task not in DIRECTIONS:
            raise ModelError(f"templates do not answer {answers.task!r}.")
        self.name = name
        self._answers = answers
        self._neighbours = Neighbours.of(answers.bits)
        direction = DIRECTIONS[answers.task]
        self._template = lru_cache(maxsize=16_384)(lambda i: Template(answers.texts[i], direction))

    @classmethod
    def load(cls, path: Path, name: str = "nearest_template") -> "NearestTemplate":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(TrainingAnswers.load(path, "nearest_template"), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question; score = log of the similarity of the template's row."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        found: dict[str, float] = {}
        fitting = 0
        try:
            substrate = Substrate(".".join(filter(None, split_roles(question.given))))
            for template, similarity in self._templates(question):
                answers = self._template(template).apply(substrate)
                fitting += bool(answers)
                for answer in answers:
                    found.setdefault(answer, math.log(similarity))
                if len(found) >= top_k or fitting >= MAX_FITTING:
                    break
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        return Proposals(tuple(Proposal(text, score, self.name) for text, score in [*found.items()][:top_k]), {})

    def _templates(self, question: Question) -> Iterator[tuple[int, float]]:
        """Yield distinct templates with the similarity of their nearest row; raises ChemistryError."""
        tried: set[int] = set()
        for row, similarity in self._neighbours.nearest(question.given):
            template = int(self._answers.which[row])
            if template not in tried:
                tried.add(template)
                yield template, similarity
            if len(tried) == MAX_TRIED:
                return
