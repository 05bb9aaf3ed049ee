"""Ranks the candidates of a list by their means in the train rows, whatever the reaction: the least to beat."""

from collections.abc import Sequence
from pathlib import Path

from retort.inference.proposer import Proposal, Proposals
from retort.models.candidate_means import CandidateMeans
from retort.prompting.candidates import split_candidates
from retort.prompting.task import Question


class PopularCandidates:
    """Proposes the candidates of a question, highest mean first.

    Args:
        model: The means.
        name: What its candidates call their proposer.
    """

    def __init__(self, model: CandidateMeans, name: str = "candidate_means") -> None:
        self.name = name
        self._means = dict(zip(model.candidates, model.means.tolist(), strict=True))

    @classmethod
    def load(cls, path: Path, name: str = "candidate_means") -> "PopularCandidates":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(CandidateMeans.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question with their means; their scores state nothing and are 0."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        candidates = split_candidates(question.given)[1]
        strange = next((c for c in candidates if c not in self._means), None)
        if strange is not None:
            place = candidates.index(strange) + 1
            return Proposals((), {}, f"candidate {place} cannot be ranked: no train row has {strange}.")
        ranked = sorted(candidates, key=lambda candidate: -self._means[candidate])[:top_k]
        return Proposals(tuple(Proposal(c, 0.0, self.name, value=self._means[c]) for c in ranked), {})
