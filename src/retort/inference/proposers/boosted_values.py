"""A number, such as a yield, by boosted trees on a fingerprint; no interval."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.errors import ChemistryError
from retort.inference.proposer import Proposal, Proposals
from retort.models.boosted import BoostedValues
from retort.prompting.task import TASKS, Question


class ValueTrees:
    """Proposes one number for every question, within the bounds of its task.

    Args:
        model: The trees.
        name: What its candidates call their proposer.
    """

    def __init__(self, model: BoostedValues, name: str = "boosted_values") -> None:
        self.name = name
        self._model = model
        self._bounds = TASKS.get(model.meta.task).bounds
        self._fingerprint = Fingerprint(**model.meta.fingerprint)

    @classmethod
    def load(cls, path: Path, name: str = "boosted_values") -> "ValueTrees":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(BoostedValues.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return one candidate per question, none where ``top_k`` is 0; its score states nothing and is 0."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        try:
            counts = self._fingerprint.dense([question.given])
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        value = float(np.clip(self._model.values(counts)[0], *self._bounds))
        return Proposals((Proposal("", 0.0, self.name, value=value),)[:top_k], {})
