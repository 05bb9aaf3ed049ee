"""The one protocol behind which every source of candidates stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retort.prompting.task import AnswerKind, Question


@dataclass(frozen=True, slots=True)
class TypeRead:
    """An elicited reaction type, as it was read from a query.

    Attributes:
        id: 0 to N-1 within the task.
        name: What it is called; empty where it has no name.
        probability: Of this type, given the query; 0..1.
    """

    id: int
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One candidate answer.

    Attributes:
        smiles: Canonical SMILES: isomeric, components sorted; empty where the answer is none.
        score: Log-probability; length-normalised where the proposer is a language model. Of a number,
            that the truth lies within its interval.
        proposer: Name of the proposer it comes from.
        template: The reaction template that made it, where one did; it explains a candidate and tells none apart.
        reaction_type: The type under which it was proposed, where types are told; likewise.
        text: The answer where it is a name or class.
        value: The answer where it is a number; of a candidate out of a list, the number that ranks it.
        interval: Of a number, the ends between which the truth lies with the probability that ``score`` states.
    """

    smiles: str
    score: float
    proposer: str
    template: str | None = field(default=None, compare=False)
    reaction_type: TypeRead | None = field(default=None, compare=False)
    text: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def answer(self) -> str:
        """The answer as text, whatever its kind."""
        return self.smiles or self.text or ("" if self.value is None else f"{self.value:g}")


def proposal_of(kind: AnswerKind, answer: str, score: float, proposer: str) -> Proposal:
    """Return a candidate from its answer as text; a number gets no interval."""
    if kind == "smiles":
        return Proposal(answer, score, proposer)
    if kind == "text":
        return Proposal("", score, proposer, text=answer)
    return Proposal("", score, proposer, value=float(answer))


@dataclass(frozen=True, slots=True)
class Proposals:
    """The candidates for one question, best first.

    Attributes:
        candidates: Distinct candidates.
        unreadable: Reason -> number of answers dropped for it; a repeated answer is not unreadable.
        declined: Why the proposer does not answer this question at all, as a sentence; empty where it does.
    """

    candidates: tuple[Proposal, ...]
    unreadable: Mapping[str, int]
    declined: str = ""


class Proposer(Protocol):
    """Anything that answers questions with ranked candidates."""

    name: str

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates for every question, in the order of the questions."""
        ...
