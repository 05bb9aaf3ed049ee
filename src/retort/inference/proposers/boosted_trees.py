"""One of several texts, such as a reaction class, by boosted trees on a fingerprint."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.errors import ChemistryError
from retort.inference.proposer import Proposal, Proposals
from retort.models.boosted import BoostedClasses
from retort.prompting.task import Question


class BoostedTrees:
    """Proposes the classes that the trees know, most probable first.

    Args:
        model: The trees.
        name: What its candidates call their proposer.
    """

    def __init__(self, model: BoostedClasses, name: str = "boosted_trees") -> None:
        self.name = name
        self._model = model
        self._fingerprint = Fingerprint(**model.meta.fingerprint)

    @classmethod
    def load(cls, path: Path, name: str = "boosted_trees") -> "BoostedTrees":
        """Read a file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(BoostedClasses.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question; score = log-probability."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        try:
            counts = self._fingerprint.dense([question.given])
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        scores = self._model.log_probabilities(counts)[0]
        best = np.argsort(-scores, kind="stable")[:top_k].tolist()
        texts = self._model.classes
        return Proposals(tuple(Proposal("", float(scores[i]), self.name, text=texts[i]) for i in best), {})
