"""Candidates from ranked reaction templates: backwards for retrosynthesis, forwards for forward prediction.

The network ranks all templates at once; they are applied from the top until enough distinct answers are found. An
answer's probability is the sum over the templates that give it, as for the networks of Segler and Waller (Chem. Eur.
J. 2017, 23, 5966); a template with several answers shares its probability among them.

A ranker that reads types is told them by the questions or by the caller. It is told all shares at once; or, *mixed*, it
is told each type alone and p(template | x) = sum over types of p(type | x) p(template | x, type). Then every candidate
says which type gives it most.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.chem.templates import Direction, Substrate, Template
from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposal, Proposals, TypeRead
from retort.inference.questions import split_roles
from retort.models.ranker import Floats, Ranker, log_sum
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


class Ranking(NamedTuple):
    """What the network says of all templates for one question.

    Attributes:
        log_probabilities: [classes].
        joint: log p(type | x) p(template | x, type), [types, classes], where types are mixed.
    """

    log_probabilities: Floats
    joint: Floats | None


class TemplateRanker:
    """Proposes what the most probable templates make of a question.

    Args:
        ranker: A network whose classes are templates, for a task of ``DIRECTIONS``.
        name: What its candidates call their proposer.
        mixed: Whether types are mixed behind the network instead of told to it at once.
        apply: Applies a template; a caller may remember what it gave.

    Raises:
        ModelError: The ranker is of another kind or task, or reads no types that could be mixed.
    """

    def __init__(
        self,
        ranker: Ranker,
        name: str = "template_ranker",
        *,
        mixed: bool = False,
        apply: Callable[[Template, Substrate], tuple[str, ...]] = Template.apply,
    ) -> None:
        if ranker.meta.kind != "template" or ranker.meta.task not in DIRECTIONS:
            raise ModelError(f"a ranker of kind {ranker.meta.kind!r} for {ranker.meta.task!r} cannot apply templates.")
        if mixed and not ranker.meta.types:
            raise ModelError(f"the ranker of {ranker.meta.task} reads no types that could be mixed.")
        self.name = name
        self._ranker, self._mixed, self._apply = ranker, mixed, apply
        self._fingerprint = Fingerprint(**ranker.meta.fingerprint)
        self._index: dict[str | None, int] = {name: i for i, name in enumerate(ranker.classes)}
        self._direction = DIRECTIONS[ranker.meta.task]
        self._template = lru_cache(maxsize=16_384)(lambda i: Template(ranker.classes[i], self._direction))

    @classmethod
    def load(cls, path: Path, name: str = "template_ranker") -> "TemplateRanker":
        """Read a ranker file; raises ModelError where it is missing, damaged or of another kind."""
        return cls(Ranker.load(path), name)

    def propose(self, questions: Sequence[Question], top_k: int, shares: Floats | None = None) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question, best first; score = log-probability of the answer.

        Args:
            questions: What is asked.
            top_k: The most candidates.
            shares: Of each type in every question, [n, types]; what the questions tell where it is absent.

        Raises:
            ModelError: The ranker reads types that it is not told, or none that it is told.
        """
        told = self._told(questions) if shares is None else shares
        batches = range(0, len(questions), BATCH)
        return [p for at in batches for p in self._propose_batch(questions[at : at + BATCH], top_k, _rows(told, at))]

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

    def _told(self, questions: Sequence[Question]) -> Floats | None:
        types = self._ranker.meta.types
        if not types:
            return None
        shares = np.zeros((len(questions), types), np.float32)
        for row, question in zip(shares, questions, strict=True):
            if not question.reaction_types or max(question.reaction_types) >= types:
                raise ModelError(f"{self.name} reads {types} types, and a question tells {question.reaction_types}.")
            np.add.at(row, list(question.reaction_types), 1 / len(question.reaction_types))
        return shares

    def _propose_batch(self, questions: Sequence[Question], top_k: int, shares: Floats | None) -> list[Proposals]:
        substrates = [self._substrate(question) for question in questions]
        readable = [i for i, substrate in enumerate(substrates) if substrate is not None]
        texts = [substrate.smiles for substrate in substrates if substrate is not None]
        found = self._rank(texts, None if shares is None else shares[readable])
        return [
            Proposals((), {"unreadable query": 1})
            if substrate is None
            else self._answer(substrate, self._condition(next(found), question), top_k)
            for question, substrate in zip(questions, substrates, strict=True)
        ]

    def _rank(self, texts: Sequence[str], shares: Floats | None) -> Iterator[Ranking]:
        if not texts:
            return
        x = self._fingerprint.dense(texts)
        if shares is None or not self._mixed:
            yield from (Ranking(row, None) for row in self._ranker.log_probabilities(x, shares))
        else:
            joint = self._ranker.joint_log_probabilities(x, shares)
            yield from map(Ranking, log_sum(joint), joint)

    @staticmethod
    def _substrate(question: Question) -> Substrate | None:
        try:
            return Substrate(".".join(filter(None, split_roles(question.given))))
        except ChemistryError:
            return None

    def _condition(self, ranking: Ranking, question: Question) -> Ranking:
        if question.reaction_class is None:
            return ranking
        return Ranking(self._ranker.reweight(ranking.log_probabilities, question.reaction_class), ranking.joint)

    def _answer(self, substrate: Substrate, ranking: Ranking, top_k: int) -> Proposals:
        """Walk down the templates; stop once no untried template could still change the first ``top_k``."""
        probability: dict[str, float] = {}
        made: dict[str, dict[int, float]] = {}  # answer -> its templates, the most probable first, and their shares
        fitting = 0
        for index in best_indices(ranking.log_probabilities[None], MAX_TRIED)[0].tolist():
            share = math.exp(float(ranking.log_probabilities[index]))
            if fitting >= MAX_FITTING or _settled(probability, share, top_k):
                break
            answers = self._apply(self._template(index), substrate)
            fitting += bool(answers)
            for answer in answers:
                probability[answer] = probability.get(answer, 0.0) + share / len(answers)
                made.setdefault(answer, {})[index] = share / len(answers)
        ranked = sorted(probability.items(), key=lambda item: (-item[1], item[0]))[:top_k]
        return Proposals(tuple(self._proposal(smiles, p, made[smiles], ranking.joint) for smiles, p in ranked), {})

    def _proposal(self, smiles: str, p: float, made: Mapping[int, float], joint: Floats | None) -> Proposal:
        template = self._ranker.classes[next(iter(made))]
        return Proposal(smiles, math.log(p), self.name, template, None if joint is None else _likeliest(made, joint))


def _rows(shares: Floats | None, start: int) -> Floats | None:
    return None if shares is None else shares[start : start + BATCH]


def _likeliest(made: Mapping[int, float], joint: Floats) -> TypeRead:
    """Return the type that gives most of an answer, with its probability given the question.

    Args:
        made: Template -> what it adds to the probability of the answer.
        joint: log p(type | x) p(template | x, type), [types, classes].
    """
    logs = joint[:, list(made)]
    columns = np.exp(logs - logs.max(axis=0))
    parts = columns / columns.sum(axis=0) @ np.array(list(made.values()))
    best = int(parts.argmax())
    return TypeRead(best, "", float(np.exp(joint[best]).sum()))


def _settled(probability: dict[str, float], share: float, top_k: int) -> bool:
    """Return whether ``top_k`` answers are each more probable than the next template as a whole."""
    return len(probability) >= top_k and sorted(probability.values(), reverse=True)[top_k - 1] >= share
