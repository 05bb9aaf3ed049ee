"""Candidates from local templates that a graph network ranks together with the atoms where they apply.

The probability of an answer is the sum of p(atom, template) over the templates that give it and the atoms that they
name there. A template is tried in the order of its probability over all atoms, which bounds what it can give anywhere.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from retort.chem.graphs import molecular_graph
from retort.chem.templates import Substrate, Template
from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposal, Proposals
from retort.inference.proposers.template_ranker import DIRECTIONS
from retort.models.placer import Placer
from retort.models.ranker import Floats
from retort.prompting.task import Question

MAX_TRIED = 150  # templates ranked below this are not looked at
Places = Callable[[Template, Substrate], dict[str, frozenset[int]]]


class TemplatePlacer:
    """Proposes what the most probable templates make of a molecule at their most probable places.

    Args:
        placer: The network; its task is one of ``DIRECTIONS``.
        name: What its candidates call their proposer.
        places: Applies a template; a caller may remember what it gave.

    Raises:
        ModelError: The placer is of another task.
    """

    def __init__(self, placer: Placer, name: str = "template_placer", *, places: Places = Template.places) -> None:
        if placer.meta.task not in DIRECTIONS:
            raise ModelError(f"a placer for {placer.meta.task!r} cannot apply templates.")
        self.name = name
        self._placer, self._places = placer, places
        direction = DIRECTIONS[placer.meta.task]
        self._template = lru_cache(maxsize=4096)(lambda i: Template(placer.classes[i], direction))

    @classmethod
    def load(cls, path: Path, name: str = "template_placer") -> "TemplatePlacer":
        """Read a placer file; raises ModelError where it is missing or damaged."""
        return cls(Placer.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question, best first; score = log-probability of the answer."""
        return [self._answer(question, top_k) for question in questions]

    def _answer(self, question: Question, top_k: int) -> Proposals:
        try:
            substrate = Substrate(question.given)
            graph = molecular_graph(question.given)
        except ChemistryError:
            return Proposals((), {"unreadable query": 1})
        log_probabilities = self._placer.log_probabilities(graph)
        masses = np.exp(log_probabilities).sum(axis=0)
        probability: dict[str, float] = {}
        best: dict[str, tuple[float, int]] = {}
        for index in np.argsort(-masses, kind="stable")[:MAX_TRIED].tolist():
            if _settled(probability, float(masses[index]), top_k):
                break
            for answer, atoms in self._places(self._template(index), substrate).items():
                share = _share(log_probabilities, index, atoms)
                probability[answer] = probability.get(answer, 0.0) + share
                best[answer] = max(best.get(answer, (0.0, index)), (share, index))
        ranked = sorted(probability.items(), key=lambda item: (-item[1], item[0]))[:top_k]
        return Proposals(tuple(self._proposal(smiles, p, best[smiles][1]) for smiles, p in ranked), {})

    def _proposal(self, smiles: str, probability: float, template: int) -> Proposal:
        return Proposal(smiles, math.log(probability), self.name, self._placer.classes[template])


def _share(log_probabilities: Floats, template: int, atoms: frozenset[int]) -> float:
    """Return the probability of a template at some atoms; above 0, so that its logarithm is finite."""
    return max(float(np.exp(log_probabilities[sorted(atoms), template]).sum()), 1e-30)


def _settled(probability: dict[str, float], rest: float, top_k: int) -> bool:
    """Whether a template of so much probability could no longer bring a new answer among the first ``top_k``."""
    if len(probability) < top_k:
        return False
    return sorted(probability.values(), reverse=True)[top_k - 1] > rest
