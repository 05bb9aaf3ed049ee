"""Ranks the candidates of a list by the number that another proposer says of the reaction with each of them."""

from collections.abc import Sequence
from dataclasses import replace

from retort.inference.proposer import Proposal, Proposals, Proposer
from retort.prompting.candidates import filled, split_candidates
from retort.prompting.task import Question


class ByValue:
    """Proposes the candidates of a question, highest number first; equal ones keep their order.

    Where one of them cannot be judged the whole question is declined, since a list without it would be another one.

    Args:
        proposer: Says one number per question.
        task: What it is asked.
    """

    def __init__(self, proposer: Proposer, task: str) -> None:
        self.name = proposer.name
        self._proposer = proposer
        self._task = task

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question, each with the number, its interval and its score."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        reaction, candidates = split_candidates(question.given)
        asked = [Question(self._task, filled(reaction, candidate)) for candidate in candidates]
        said = self._proposer.propose(asked, 1)
        silent = next((i for i, one in enumerate(said) if not one.candidates), None)
        if silent is not None:
            why = said[silent].declined or "its reaction has no number."
            return Proposals((), said[silent].unreadable, f"candidate {silent + 1} cannot be ranked: {why}")
        found = [replace(one.candidates[0], smiles=c) for c, one in zip(candidates, said, strict=True)]
        return Proposals(tuple(sorted(found, key=_falling)[:top_k]), {})


def _falling(proposal: Proposal) -> float:
    return -(proposal.value or 0.0)
