"""Candidates from ranked reaction templates: backwards for retrosynthesis, forwards for forward prediction.

The network ranks all templates at once; they are applied from the top until enough distinct answers are found. An
answer's probability is the sum over the templates that give it, as for the networks of Segler and Waller (Chem. Eur.
J. 2017, 23, 5966); a template with several answers shares its probability among them.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from retort.chem.fingerprints import Fingerprint
from retort.chem.templates import Direction, Substrate, Template
from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposal, Proposals
from retort.inference.questions import split_roles
from retort.models.ranker import Floats, Ranker
from retort.models.ranker import top_k as best_indices
from retort.prompting.task import Question

DIRECTIONS: dict[str, Direction] = {"retrosynthesis": "retro", "forward_prediction": "forward"}
MAX_TRIED = 300  # templates ranked below this are not looked at
MAX_FITTING = 40  # templates that match and are applied, for one question
BATCH = 256  # questions per pass of the network


class Support(NamedTuple):
    """What a template ranker says about one template.

    Attributes:
        log_probability: Of the template, given the text.
        rank: Its place among all templates, 1 for the most probable.
        rows: How many training rows have it.
    """

    log_probability: float
    rank: int
    rows: int


class TemplateRanker:
    """Proposes what the most probable templates make of a question.

    Args:
        ranker: A network whose classes are templates, for a task of ``DIRECTIONS``.
        name: What its candidates call their proposer.

    Raises:
        ModelError: The ranker is of another kind or task.
    """

    def __init__(self, ranker: Ranker, name: str = "template_ranker") -> None:
        if ranker.meta.kind != "template" or ranker.meta.task not in DIRECTIONS:
            raise ModelError(f"a ranker of kind {ranker.meta.kind!r} for {ranker.meta.task!r} cannot apply templates.")
        self.name = name
        self._ranker = ranker
        self._fingerprint = Fingerprint(**ranker.meta.fingerprint)
        self._index: dict[str | None, int] = {name: i for i, name in enumerate(ranker.classes)}
        self._direction = DIRECTIONS[ranker.meta.task]
        self._template = lru_cache(maxsize=16_384)(lambda i: Template(ranker.classes[i], self._direction))

    @classmethod
    def load(cls, path: Path, name: str = "template_ranker") -> "TemplateRanker":
        """Read a ranker file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(Ranker.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question, best first; score = log-probability of the answer."""
        batches = [questions[i : i + BATCH] for i in range(0, len(questions), BATCH)]
        return [proposals for batch in batches for proposals in self._propose_batch(batch, top_k)]

    def support(self, given: Sequence[str], templates: Sequence[str | None]) -> list[Support | None]:
        """Return how probable a template is where the network is given each text; None for templates it lacks.

        Args:
            given: SMILES of precursors (forward prediction) or of products (retrosynthesis).
            templates: One template per text, as its proposer named it.

        Raises:
            ChemistryError: A text cannot be read.
        """
        known = [(i, self._index[t]) for i, t in enumerate(templates) if t in self._index]
        found: list[Support | None] = [None] * len(given)
        if known:
            rows = self._ranker.log_probabilities(self._fingerprint.dense([given[i] for i, _ in known]))
            for (i, index), row in zip(known, rows, strict=True):
                better = int((row > row[index]).sum())
                found[i] = Support(float(row[index]), 1 + better, int(self._ranker.counts[index]))
        return found

    def _propose_batch(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        substrates = [self._substrate(question) for question in questions]
        readable = [substrate.smiles for substrate in substrates if substrate is not None]
        found = iter(self._ranker.log_probabilities(self._fingerprint.dense(readable)) if readable else ())
        return [
            Proposals((), {"unreadable query": 1})
            if substrate is None
            else self._answer(substrate, self._condition(next(found), question), top_k)
            for question, substrate in zip(questions, substrates, strict=True)
        ]

    @staticmethod
    def _substrate(question: Question) -> Substrate | None:
        try:
            return Substrate(".".join(filter(None, split_roles(question.given))))
        except ChemistryError:
            return None

    def _condition(self, log_probabilities: Floats, question: Question) -> Floats:
        if question.reaction_class is None:
            return log_probabilities
        return self._ranker.reweight(log_probabilities, question.reaction_class)

    def _answer(self, substrate: Substrate, log_probabilities: Floats, top_k: int) -> Proposals:
        """Walk down the templates; stop once no untried template could still change the first ``top_k``."""
        probability: dict[str, float] = {}
        first: dict[str, int] = {}  # the most probable template of every answer
        fitting = 0
        for index in best_indices(log_probabilities[None], MAX_TRIED)[0]:
            share = math.exp(float(log_probabilities[index]))
            if fitting >= MAX_FITTING or _settled(probability, share, top_k):
                break
            answers = self._template(int(index)).apply(substrate)
            fitting += bool(answers)
            for answer in answers:
                probability[answer] = probability.get(answer, 0.0) + share / len(answers)
                first.setdefault(answer, int(index))
        ranked = sorted(probability.items(), key=lambda item: (-item[1], item[0]))[:top_k]
        named = [(smiles, math.log(p), self._ranker.classes[first[smiles]]) for smiles, p in ranked]
        return Proposals(tuple(Proposal(smiles, score, self.name, template) for smiles, score, template in named), {})


def _settled(probability: dict[str, float], share: float, top_k: int) -> bool:
    """Return whether ``top_k`` answers are each more probable than the next template as a whole."""
    return len(probability) >= top_k and sorted(probability.values(), reverse=True)[top_k - 1] >= share
