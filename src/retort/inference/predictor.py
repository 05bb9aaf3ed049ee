"""Ask a model: queries in, ranked candidates out.

A query that cannot be read is answered ``invalid_input``, a question without a valid candidate ``no_answer``, each
with its reason; neither stops the others and neither becomes a guess.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retort.errors import ChemistryError, UsageError
from retort.evaluation.calibration import Calibration
from retort.inference.calibrating import Calibrations, with_confidence
from retort.inference.loading import load_proposers
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder, TaskEntry
from retort.inference.pooling import POOL, Asked, Pool, pools
from retort.inference.prediction import Prediction
from retort.inference.proposer import Proposal, Proposer
from retort.inference.proposers.by_value import ByValue
from retort.inference.questions import ask, has_stereo, is_seen, membership_key, read_seen
from retort.inference.reordering import Reordering, Rerankers, experts
from retort.inference.reranking.evidence import Experts
from retort.inference.reranking.reranker import RerankerMeta
from retort.prompting.candidates import reactions_of
from retort.prompting.task import TASKS, Question, Task

NUMBERS = ("boosted_values", "value_network", "popularity", "nearest_reaction")  # kinds that may rank candidates


@dataclass(frozen=True, slots=True)
class _Call:
    """What the questions of one call have in common.

    Attributes:
        entry: What the model knows of the task.
        top_k: Candidates per query at most.
        class_ignored: A reaction class was given that no asked proposer can use.
        calibration: The calibration that was fitted for such answers, if there is one.
        reordering: The re-ranker that was fitted for such answers, if there is one.
    """

    entry: TaskEntry
    top_k: int
    class_ignored: bool
    calibration: Calibration | None
    reordering: Reordering | None


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
        self._calibrations = Calibrations(folder)
        self._rerankers = Rerankers(folder)

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

    def declines(self, task: str) -> str:
        """Return why the model does not answer a task, as a clause; empty where it does.

        Raises:
            UnknownNameError: There is no such task.
        """
        entry = self._folder.card.tasks.get(TASKS.get(task).name)
        if entry is not None and entry.trained:
            return ""
        return (entry.reason if entry else "").rstrip(".") or f"model {self.model!r} does not know this task"

    def was_trained_on(self, task: str, query: str) -> bool | None:
        """Say whether a question is in the training data; None where the model does not tell.

        Of a question with candidates, whether the reaction with any of them is.

        Raises:
            UnknownNameError: There is no such task.
            ChemistryError: The query cannot be read.
            ModelError: The file of keys is missing or damaged.
        """
        chosen = TASKS.get(task)
        entry = self._folder.card.tasks.get(chosen.name)
        return None if entry is None or entry.seen is None else self._was_seen(entry.seen, ask(chosen, query))

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

    def reaction_classification(self, reaction: str, top_k: int = 10) -> Prediction:
        """Answer which class ``reactants>>product`` belongs to."""
        return self.predict("reaction_classification", [reaction], top_k)[0]

    def yield_prediction(self, reaction: str) -> Prediction:
        """Answer the yield of ``reactants>reagents>product`` in per cent."""
        return self.predict("yield_prediction", [reaction], 1)[0]

    def _answer(
        self, task: Task, questions: Sequence[Question], top_k: int, reaction_class: int | None
    ) -> list[Prediction]:
        """Answer distinct questions of one task; the predictions still lack the text of their query."""
        if not questions:
            return []
        if why := self.declines(task.name):
            return [
                Prediction(task.name, "", "no_answer", f"not trained: {why}.", self.model, given=question.given)
                for question in questions
            ]
        entry = self._folder.card.tasks[task.name]
        names = self._chosen(task, entry)
        team = self._team(task, entry, names)
        ignored = reaction_class is not None and not (task.uses_class and any(asked.uses_class for asked in team))
        class_given = reaction_class is not None and not ignored
        calibration = self._calibrations.fitting(task.name, names, self._augmentations, class_given=class_given)
        reranker = self._rerankers.fitting(task.name, names, self._augmentations, class_given=class_given)
        reordering = None if reranker is None else Reordering(reranker, self._experts(reranker.meta))
        call = _Call(entry, top_k, ignored, calibration, reordering)
        return [self._prediction(call, *found) for found in self._ranked(call, team, questions)]

    def _ranked(
        self, call: _Call, team: Sequence[Asked], questions: Sequence[Question]
    ) -> list[tuple[Pool, list[Proposal]]]:
        """Return every question's pool and its whole ranking.

        A re-ranked pool has one size whatever is asked for, so that a longer answer begins like a shorter one; what
        a larger pool adds stands behind it.
        """
        size = max(call.top_k, POOL)
        if call.reordering is None:
            return [(pool, list(pool.merged)) for pool in pools(questions, team, call.entry.rank_offset, size)]
        first = max(POOL, call.reordering.reranker.meta.pool)
        heads = pools(questions, team, call.entry.rank_offset, first)
        tails = pools(questions, team, call.entry.rank_offset, size) if size > first else heads
        return [(head, call.reordering.apply(head, tail)) for head, tail in zip(heads, tails, strict=True)]

    def _prediction(self, call: _Call, pool: Pool, ranked: Sequence[Proposal]) -> Prediction:
        task, given, unreadable = pool.question.task, pool.question.given, pool.unreadable
        if not ranked:
            why = pool.declined or _why_none(unreadable)
            return Prediction(task, "", "no_answer", why, self.model, (), given, unreadable)
        candidates = with_confidence(ranked, call.calibration)[: call.top_k]
        message = " ".join(self._remarks(call.entry, pool.question, call.class_ignored))
        return Prediction(task, "", "ok", message, self.model, candidates, given, unreadable)

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
        task = TASKS.get(question.task)
        learned = TASKS.get(task.ranked_by) if task.ranked_by else task
        keys = (membership_key(learned, text) for text in reactions_of(question.given))
        return any(is_seen(self._seen[file], key) for key in keys)

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

    def _team(self, task: Task, entry: TaskEntry, names: Sequence[str]) -> list[Asked]:
        known = self._folder.card.proposers
        return [Asked(n, self._ranking(task, n), (entry.weights or {}).get(n, 1.0), known[n].uses_class) for n in names]

    def _ranking(self, task: Task, name: str) -> Proposer:
        """Return a proposer; one that says numbers ranks the candidates of a list by them."""
        says_numbers = self._folder.card.proposers[name].kind in NUMBERS
        return ByValue(self._load(name), task.ranked_by) if task.ranked_by and says_numbers else self._load(name)

    def _experts(self, meta: RerankerMeta) -> Experts:
        scorer, judge = ((name, self._load(name)) if name else None for name in (meta.scorer, meta.judge))
        return experts(scorer, judge)

    def _load(self, name: str) -> Proposer:
        if name not in self._loaded:
            self._loaded |= load_proposers(self._folder, [name], self._augmentations)
        return self._loaded[name]


def _read(task: Task, query: str, reaction_class: int | None) -> Question | str:
    """Return the question, or why the query cannot be read."""
    try:
        return ask(task, query, reaction_class)
    except ChemistryError as error:
        return str(error)


def _why_none(unreadable: dict[str, int]) -> str:
    if not unreadable:
        return "no proposer had a candidate."
    reasons = ", ".join(f"{reason} ({n})" for reason, n in unreadable.items())
    return f"no valid candidate; dropped: {reasons}."
