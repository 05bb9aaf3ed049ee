"""Candidates from a ranked list of literal answers, such as whole reagent sets or classes."""

from collections.abc import Sequence
from pathlib import Path

from retort.chem.fingerprints import Fingerprint
from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposals, proposal_of
from retort.models.ranker import Floats, Ranker
from retort.models.ranker import top_k as best_indices
from retort.prompting.task import TASKS, Question


class AnswerRanker:
    """Proposes the most probable of the answers that the training rows hold.

    Args:
        ranker: A network whose classes are canonical answers.
        name: What its candidates call their proposer.

    Raises:
        ModelError: The ranker's classes are templates.
    """

    def __init__(self, ranker: Ranker, name: str = "answer_ranker") -> None:
        if ranker.meta.kind != "answer":
            raise ModelError(f"a ranker of kind {ranker.meta.kind!r} holds no answers.")
        self.name = name
        self._ranker = ranker
        self._kind = TASKS.get(ranker.meta.task).answer_kind
        self._fingerprint = Fingerprint(**ranker.meta.fingerprint)

    @classmethod
    def load(cls, path: Path, name: str = "answer_ranker") -> "AnswerRanker":
        """Read a ranker file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(Ranker.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return ``top_k`` candidates per question, best first; score = log-probability."""
        rows = [self._row(question) for question in questions]
        return [Proposals((), {"unreadable query": 1}) if row is None else self._answer(row, top_k) for row in rows]

    def _row(self, question: Question) -> Floats | None:
        try:
            return self._fingerprint.dense([question.given])
        except ChemistryError:
            return None

    def _answer(self, row: Floats, top_k: int) -> Proposals:
        log_probabilities = self._ranker.log_probabilities(row)
        best = best_indices(log_probabilities, top_k)[0]
        scored = [(self._ranker.classes[i], float(log_probabilities[0, i])) for i in best]
        return Proposals(tuple(proposal_of(self._kind, text, score, self.name) for text, score in scored), {})
