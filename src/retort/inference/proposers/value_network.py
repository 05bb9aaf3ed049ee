"""A number with an interval, such as a yield, by small networks on a fingerprint; it declines what it cannot know."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retort.chem.fingerprints import Fingerprint, packed_bits
from retort.errors import ChemistryError
from retort.inference.proposer import Proposal, Proposals
from retort.inference.questions import split_roles
from retort.models.value_network import ValueNetwork
from retort.prompting.task import TASKS, Question

EXCHANGED = 1  # molecules by which a question may differ from the most similar train row
SHOWN = 3  # molecules that a reason names


class ValueProposer:
    """Proposes one number per question, or says that the question is outside of the training domain.

    Args:
        model: The networks.
        name: What its candidates call their proposer.
    """

    def __init__(self, model: ValueNetwork, name: str = "value_network") -> None:
        self.name = name
        self._model = model
        self._bounds = TASKS.get(model.meta.task).bounds
        self._fingerprint = Fingerprint(**model.meta.fingerprint)

    @classmethod
    def load(cls, path: Path, name: str = "value_network") -> "ValueProposer":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(ValueNetwork.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:  # noqa: ARG002
        """Return one candidate per question, or why there is none; score = log of the share that intervals cover."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Proposals:
        try:
            counts, declined = self._fingerprint.dense([question.given]), self.outside(question.given)
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        if declined:
            return Proposals((), {}, declined)
        value, low, high = self._model.predict(counts, self._bounds)[0].tolist()
        score = math.log(self._model.level)
        return Proposals((Proposal("", score, self.name, value=value, interval=(low, high)),), {})

    def outside(self, given: str) -> str:
        """Return why a question is outside of the training domain; empty where it is within.

        It is within where every molecule has a counterpart in some train row, and some train row differs by one
        molecule at most.
        """
        domain = self._model.domain
        parts = sorted({part for role in split_roles(given) for part in role.split(".") if part})
        words = np.stack([packed_bits(part) for part in parts])
        strangers = [parts[i] for i in domain.strangers(words).tolist()]
        if strangers:
            shown = ", ".join(strangers[:SHOWN]) + (", ..." if len(strangers) > SHOWN else "")
            return f"outside of the training domain: no training reaction has {shown} or its like."
        changed = domain.exchanged(words)
        if changed > EXCHANGED:
            return f"outside of the training domain: {changed} molecules differ from the nearest training reaction."
        return ""
