"""Ask a model: queries in, ranked candidates out.

A query that cannot be read is answered ``invalid_input``, a question without a valid candidate ``no_answer``, each
with its reason; neither stops the others and neither becomes a guess.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retort.errors import UsageError
from retort.evaluation.calibration import Calibration
from retort.inference.asking import TaskMethods
from retort.inference.calibrating import Calibrations, with_confidence
from retort.inference.explaining import Explain, Explainer, Resources
from retort.inference.loading import load_proposers
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder, TaskEntry
from retort.inference.pooling import POOL, Asked, Pool, pools
from retort.inference.prediction import Prediction, Predictions
from retort.inference.proposer import Proposal, Proposer
from retort.inference.proposers.by_value import ByValue
from retort.inference.questions import ask, has_stereo, is_seen, membership_key, read_seen, remarks_on
from retort.inference.reading import Reading, read_all
from retort.inference.reordering import Reordering, Rerankers, experts
from retort.inference.reranking.evidence import Experts
from retort.inference.reranking.reranker import RerankerMeta
from retort.prompting.candidates import reactions_of
from retort.prompting.task import TASKS, Question, Task

CHUNK = 64  # queries that are answered together when answers are streamed
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


class Predictor(TaskMethods):
    """A model, ready to be asked.

    Args:
        folder: The opened model folder. Its files are read when a task first needs them.
        proposer: Ask this proposer alone, by its name or its kind.
        augmentations: Spellings per question of language models; the model's own number by default.
        resources: An index of known reactions and a stock, for explanations.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        proposer: str | None = None,
        augmentations: int | None = None,
        resources: Resources | None = None,
    ) -> None:
        if augmentations is not None and augmentations < 1:
            raise UsageError(f"augmentations must be 1 or more, not {augmentations}.")
        self._folder = folder
        self._proposer = proposer
        self._augmentations = augmentations
        self._loaded: dict[str, Proposer] = {}
        self._seen: dict[str, NDArray[np.uint32]] = {}
        self._calibrations = Calibrations(folder)
        self._rerankers = Rerankers(folder)
        self._explainer = Explainer(folder, resources or Resources())

    @classmethod
    def load(
        cls,
        model: str = DEFAULT_MODEL,
        *,
        proposer: str | None = None,
        augmentations: int | None = None,
        index: str | Path | None = None,
        stock: str | Path | None = None,
    ) -> Self:
        """Open an embedded model by name, or a model folder by path.

        Args:
            model: Name or path.
            proposer: As for the class.
            augmentations: As for the class.
            index: Folder that ``retort index build`` wrote: answers get precedents.
            stock: File of SMILES or InChIKeys: answers say which precursors are in stock.

        Raises:
            ModelError: There is no such model, or it cannot be used.
            DataError: The index is missing or damaged.
            InputFileError: The stock cannot be read.
        """
        resources = Resources.load(index, stock)
        return cls(ModelFolder.open(model), proposer=proposer, augmentations=augmentations, resources=resources)

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

    @property
    def resources(self) -> Resources:
        """The index and the stock that were given."""
        return self._explainer.resources

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
        self,
        task: str,
        queries: Iterable[str],
        top_k: int = 10,
        *,
        reaction_class: int | None = None,
        explain: Explain = None,
    ) -> Predictions:
        """Answer queries in their order.

        Args:
            task: Name or alias of a task.
            queries: SMILES for products or reactants, reaction SMILES for reactions; names where OPSIN is installed.
            top_k: How many candidates per query at most.
            reaction_class: Curated class of all queries, 1-10, where it is known.
            explain: True for all evidence, or a set of parts: ``reaction_type``, ``round_trip``, ``precedents``,
                ``in_stock``, ``distance``. By default those for which an index or a stock was given.

        Raises:
            UnknownNameError: There is no such task or part.
            UsageError: ``top_k`` or ``reaction_class`` is out of range, or the asked-for proposer is not known.
            ModelError: A file of the model is missing or damaged.
        """
        chosen = TASKS.get(task)
        parts = self.resources.parts(explain)
        _check(top_k, reaction_class)
        readings = read_all(chosen, queries, reaction_class)
        questions = list(dict.fromkeys(r.question for r in readings if r.question is not None))
        answers = self._answer(chosen, questions, top_k, reaction_class)
        found = dict(zip(questions, self._explainer.explain(chosen.name, answers, parts), strict=True))
        return Predictions(self._in_place(chosen, reading, found) for reading in readings)

    def stream(
        self,
        task: str,
        queries: Iterable[str],
        top_k: int = 10,
        *,
        reaction_class: int | None = None,
        explain: Explain = None,
    ) -> Iterator[Prediction]:
        """Yield answers in order as they come; of an endless row of queries, only a few are held at a time.

        Arguments and errors are those of :meth:`predict`.
        """
        rest = iter(queries)
        while some := list(islice(rest, CHUNK)):
            yield from self.predict(task, some, top_k, reaction_class=reaction_class, explain=explain)

    def _in_place(self, task: Task, reading: Reading, found: dict[Question, Prediction]) -> Prediction:
        """Return the answer to one query with its own text, and with how it was read."""
        if reading.question is None:
            return Prediction(task.name, reading.query, "invalid_input", reading.remark, self.model)
        answer = found[reading.question]
        return replace(answer, query=reading.query, message=f"{reading.remark} {answer.message}".strip())

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
        remarks = [*self._remarks(call.entry, pool.question, call.class_ignored), *remarks_on(pool.question, ranked)]
        message = " ".join(remarks)
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


def _check(top_k: int, reaction_class: int | None) -> None:
    if top_k < 1:
        raise UsageError(f"top_k must be 1 or more, not {top_k}.")
    if reaction_class is not None and not 1 <= reaction_class <= 10:
        raise UsageError(f"there is no reaction class {reaction_class}.", "Classes go from 1 to 10.")


def _why_none(unreadable: dict[str, int]) -> str:
    if not unreadable:
        return "no proposer had a candidate."
    reasons = ", ".join(f"{reason} ({n})" for reason, n in unreadable.items())
    return f"no valid candidate; dropped: {reasons}."
