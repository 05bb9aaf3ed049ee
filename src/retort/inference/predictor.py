"""Ask a model: queries in, ranked candidates out.

A query that cannot be read is answered ``invalid_input``, a question without a valid candidate ``no_answer``, each
with its reason; neither stops the others and neither becomes a guess.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from retort.errors import ChemistryError, UsageError
from retort.inference.loading import load_proposers
from retort.inference.merging import Ranking, merge
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder, TaskEntry
from retort.inference.proposer import Proposal, Proposals, Proposer
from retort.inference.questions import ask, has_stereo, is_seen, membership_key, read_seen, split_roles
from retort.prompting.task import TASKS, Question, Task

Status = Literal["ok", "invalid_input", "no_answer"]
POOL = 10  # every proposer is asked for at least this many, so that a smaller top_k is a prefix of a larger one


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ranked answer.

    Attributes:
        rank: 1 for the best.
        smiles: Canonical SMILES: isomeric, components sorted.
        score: Log-probability; length-normalised where the proposer is a language model.
        proposer: Name of the proposer it comes from.
        confidence: Calibrated probability of being the exact match; None where no calibration was fitted.
    """

    rank: int
    smiles: str
    score: float
    proposer: str
    confidence: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as it stands in JSON output."""
        return {
            "rank": self.rank,
            "smiles": self.smiles,
            "score": round(self.score, 6),
            "confidence": self.confidence,
            "proposer": self.proposer,
            "reaction_type": None,
            "round_trip": None,
            "precedents": [],
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one query.

    Attributes:
        query: The text as given.
        status: ``ok``, ``invalid_input`` or ``no_answer``.
        message: What a chemist should know about this answer, or why there is none.
        model: Name of the model.
        candidates: Best first; empty unless the status is ``ok``.
        given: What was asked in canonical form, roles separated by ``>``; empty where the query cannot be read.
        unreadable: Reason -> number of answers of the proposers that were dropped for it.
    """

    task: str
    query: str
    status: Status
    message: str
    model: str
    candidates: tuple[Candidate, ...] = ()
    given: str = ""
    unreadable: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the object that one line of JSON output holds."""
        return {
            "task": self.task,
            "query": self.query,
            "status": self.status,
            "message": self.message,
            "model": self.model,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
        }


class Predictor:
    """A model, ready to be asked.

    Args:
        folder: The opened model folder. Its files are read when a task first needs them.
        proposer: Ask this proposer alone, by its name or its kind.
        augmentations: Spellings per question of language models; the model's own number by default.
    """

    def __init__(self, folder: ModelFolder, *, proposer: str | None = None, augmentations: int | None = None) -> None:
        if augmentations is not None and augmentations < 1:
            raise UsageError(f"augmentations must be 1 or more, not {augmentations}.")
        self._folder = folder
        self._proposer = proposer
        self._augmentations = augmentations
        self._loaded: dict[str, Proposer] = {}
        self._seen: dict[str, NDArray[np.uint32]] = {}

    @classmethod
    def load(cls, model: str = DEFAULT_MODEL, *, proposer: str | None = None, augmentations: int | None = None) -> Self:
        """Open an embedded model by name, or a model folder by path.

        Raises:
            ModelError: There is no such model, or it cannot be used.
        """
        return cls(ModelFolder.open(model), proposer=proposer, augmentations=augmentations)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._folder.card.name

    @property
    def identity(self) -> str:
        """What answers exactly: the model's name and any departure from its defaults."""
        spellings = f"{self._augmentations} spellings" if self._augmentations else ""
        changed = ", ".join(part for part in (self._proposer or "", spellings) if part)
        return f"{self.model} ({changed})" if changed else self.model

    @property
    def fingerprint(self) -> str:
        """Checksum that names these very weights."""
        return self._folder.fingerprint

    def predict(
        self, task: str, queries: Iterable[str], top_k: int = 10, *, reaction_class: int | None = None
    ) -> list[Prediction]:
        """Answer queries in their order.

        Args:
            task: Name or alias of a task.
            queries: SMILES for products or reactants, reaction SMILES for reactions.
            top_k: How many candidates per query at most.
            reaction_class: Curated class of all queries, 1-10, where it is known.

        Raises:
            UnknownNameError: There is no such task.
            UsageError: ``top_k`` or ``reaction_class`` is out of range, or the asked-for proposer is not known.
            ModelError: A file of the model is missing or damaged.
        """
        chosen = TASKS.get(task)
        if top_k < 1:
            raise UsageError(f"top_k must be 1 or more, not {top_k}.")
        if reaction_class is not None and not 1 <= reaction_class <= 10:
            raise UsageError(f"there is no reaction class {reaction_class}.", "Classes go from 1 to 10.")
        answered = [(query, _read(chosen, query, reaction_class)) for query in queries]
        questions = list(dict.fromkeys(q for _, q in answered if isinstance(q, Question)))
        found = dict(zip(questions, self._answer(chosen, questions, top_k, reaction_class), strict=True))
        return [
            replace(found[reading], query=query)
            if isinstance(reading, Question)
            else Prediction(chosen.name, query, "invalid_input", reading, self.model)
            for query, reading in answered
        ]

    def retrosynthesis(self, product: str, top_k: int = 10, *, reaction_class: int | None = None) -> Prediction:
        """Answer which reactants give a product."""
        return self.predict("retrosynthesis", [product], top_k, reaction_class=reaction_class)[0]

    def forward_prediction(self, precursors: str, top_k: int = 10) -> Prediction:
        """Answer what reactants (and reagents) give."""
        return self.predict("forward_prediction", [precursors], top_k)[0]

    def reagent_prediction(self, reaction: str, top_k: int = 10) -> Prediction:
        """Answer which reagents turn ``reactants>>product``."""
        return self.predict("reagent_prediction", [reaction], top_k)[0]

    def _answer(
        self, task: Task, questions: Sequence[Question], top_k: int, reaction_class: int | None
    ) -> list[Prediction]:
        """Answer distinct questions of one task; the predictions still lack the text of their query."""
        if not questions:
            return []
        entry = self._folder.card.tasks.get(task.name)
        if entry is None or not entry.trained:
            why = (entry.reason if entry else "").rstrip(".") or f"model {self.model!r} does not know this task"
            return [
                Prediction(task.name, "", "no_answer", f"not trained: {why}.", self.model, given=question.given)
                for question in questions
            ]
        names = self._chosen(task, entry)
        uses_class = [self._folder.card.proposers[name].uses_class for name in names]
        ignored = reaction_class is not None and not (task.uses_class and any(uses_class))
        pools = [
            proposer.propose(questions if uses else [replace(q, reaction_class=None) for q in questions], pool(top_k))
            for proposer, uses in zip(self._proposers(names), uses_class, strict=True)
        ]
        weights = [(entry.weights or {}).get(name, 1.0) for name in names]
        return [
            self._merge(entry, question, own, weights, top_k, ignored)
            for question, own in zip(questions, zip(*pools, strict=True), strict=True)
        ]

    def _merge(
        self,
        entry: TaskEntry,
        question: Question,
        own: Sequence[Proposals],
        weights: Sequence[float],
        top_k: int,
        class_ignored: bool,
    ) -> Prediction:
        rankings = [Ranking(_sensible(question, p), w) for p, w in zip(own, weights, strict=True)]
        ranked = merge(rankings, entry.rank_offset)[:top_k]
        unreadable = _counted(own, rankings)
        if not ranked:
            message = _why_none(unreadable)
            return Prediction(question.task, "", "no_answer", message, self.model, (), question.given, unreadable)
        candidates = tuple(Candidate(rank, p.smiles, p.score, p.proposer) for rank, p in enumerate(ranked, start=1))
        message = " ".join(self._remarks(entry, question, class_ignored))
        return Prediction(question.task, "", "ok", message, self.model, candidates, question.given, unreadable)

    def _remarks(self, entry: TaskEntry, question: Question, class_ignored: bool) -> list[str]:
        remarks = [*entry.notes]
        if entry.seen is not None:
            seen = "in" if self._was_seen(entry.seen, question) else "not in"
            remarks.insert(0, f"The query is {seen} the training data.")
        if entry.stereo_note and has_stereo(question.given):
            remarks.append(entry.stereo_note)
        if class_ignored:
            remarks.append("The reaction class was ignored: no proposer of this answer can use it.")
        return remarks

    def _was_seen(self, file: str, question: Question) -> bool:
        if file not in self._seen:
            self._seen[file] = read_seen(self._folder.file(file))
        return is_seen(self._seen[file], membership_key(TASKS.get(question.task), question.given))

    def _chosen(self, task: Task, entry: TaskEntry) -> list[str]:
        """Return the names of the proposers to ask."""
        if self._proposer is None:
            return list(entry.proposers)
        kinds = {name: self._folder.card.proposers[name].kind for name in (*entry.proposers, *entry.on_request)}
        chosen = [name for name, kind in kinds.items() if self._proposer in (name, kind)]
        if not chosen:
            known = ", ".join(sorted({*kinds, *kinds.values()}))
            raise UsageError(
                f"model {self.model!r} has no proposer {self._proposer!r} for {task.name}.", f"It has: {known}."
            )
        return chosen

    def _proposers(self, names: Sequence[str]) -> list[Proposer]:
        missing = [name for name in names if name not in self._loaded]
        self._loaded |= load_proposers(self._folder, missing, self._augmentations)
        return [self._loaded[name] for name in names]


def pool(top_k: int) -> int:
    """Return how many candidates every proposer is asked for."""
    return max(top_k, POOL)


def _read(task: Task, query: str, reaction_class: int | None) -> Question | str:
    """Return the question, or why the query cannot be read."""
    try:
        return ask(task, query, reaction_class)
    except ChemistryError as error:
        return str(error)


def _sensible(question: Question, proposals: Proposals) -> list[Proposal]:
    """Drop answers in which nothing reacts: the product as its own precursor, precursors as their own product."""
    given = Counter(".".join(role for role in split_roles(question.given) if role).split("."))
    if question.task == "retrosynthesis":
        return [proposal for proposal in proposals.candidates if proposal.smiles != question.given]
    if question.task == "forward_prediction":
        return [proposal for proposal in proposals.candidates if not Counter(proposal.smiles.split(".")) <= given]
    return list(proposals.candidates)


def _counted(own: Sequence[Proposals], rankings: Sequence[Ranking]) -> dict[str, int]:
    """Sum up what was dropped and why."""
    counts: Counter[str] = Counter()
    for proposals, ranking in zip(own, rankings, strict=True):
        counts.update(proposals.unreadable)
        counts["nothing reacts"] += len(proposals.candidates) - len(ranking.candidates)
    return {reason: n for reason, n in counts.most_common() if n}


def _why_none(unreadable: dict[str, int]) -> str:
    if not unreadable:
        return "no proposer had a candidate."
    reasons = ", ".join(f"{reason} ({n})" for reason, n in unreadable.items())
    return f"no valid candidate; dropped: {reasons}."
