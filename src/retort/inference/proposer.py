"""The one protocol behind which every source of candidates stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retort.prompting.task import Question


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
        smiles: Canonical SMILES: isomeric, components sorted.
        score: Log-probability; length-normalised where the proposer is a language model.
        proposer: Name of the proposer it comes from.
        template: The reaction template that made it, where one did; it explains a candidate and tells none apart.
        reaction_type: The type under which it was proposed, where types are told; likewise.
    """

    smiles: str
    score: float
    proposer: str
    template: str | None = field(default=None, compare=False)
    reaction_type: TypeRead | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Proposals:
    """The candidates for one question, best first.

    Attributes:
        candidates: Distinct candidates.
        unreadable: Reason -> number of answers dropped for it; a repeated answer is not unreadable.
    """

    candidates: tuple[Proposal, ...]
    unreadable: Mapping[str, int]


class Proposer(Protocol):
    """Anything that answers questions with ranked candidates."""

    name: str

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates for every question, in the order of the questions."""
        ...
