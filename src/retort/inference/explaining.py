"""What speaks for an answer, added to it on demand: types, round trip, precedents, stock, distance.

Every part works on finished answers and is loaded when it is first asked for, so that a part that is off costs nothing.
Where a part was asked for and cannot be had, the message of the answer says why.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from retort.chem.reaction import Reaction
from retort.errors import ModelError, UnknownNameError, UsageError
from retort.inference.environments import Keys, strange
from retort.inference.model_folder import ModelFolder
from retort.inference.precedents import ReactionIndex
from retort.inference.prediction import Candidate, Prediction
from retort.inference.questions import as_reaction, split_roles
from retort.inference.round_trip import JUDGES, Oracle
from retort.inference.stock import Stock

Part = Literal["distance", "reaction_type", "round_trip", "precedents", "in_stock"]
PARTS: tuple[Part, ...] = get_args(Part)
Explain = bool | Collection[str] | None
"""All parts (True), none (False), those named, or those for which an index or a stock was given (None)."""
FAR = 0.1  # share of strange environments from which on a query is called far from the training data

Change = Callable[[Prediction], Prediction]


@dataclass(frozen=True)
class Resources:
    """What a user gives beside a model.

    Attributes:
        index: Known reactions, see :mod:`retort.inference.precedents`.
        stock: What is at hand or for sale, see :mod:`retort.inference.stock`.
    """

    index: ReactionIndex | None = None
    stock: Stock | None = None

    @classmethod
    def load(cls, index: str | Path | None = None, stock: str | Path | None = None) -> "Resources":
        """Open a folder of known reactions and read a stock file.

        Raises:
            DataError: The index is missing or damaged.
            InputFileError: The stock cannot be read.
        """
        return cls(None if index is None else ReactionIndex.open(index), None if stock is None else Stock.load(stock))

    def parts(self, explain: Explain) -> frozenset[Part]:
        """Return the parts that are asked for.

        Raises:
            UnknownNameError: There is no such part.
            UsageError: The parts are one text instead of a set.
        """
        if explain is None:
            given: dict[Part, object] = {"precedents": self.index, "in_stock": self.stock}
            return frozenset(part for part, resource in given.items() if resource is not None)
        if isinstance(explain, bool):
            return frozenset(PARTS if explain else ())
        if isinstance(explain, str):
            raise UsageError(f"explain is {explain!r}.", f"Give True, or a set such as {{{explain!r}}}.")
        for name in explain:
            if name not in PARTS:
                raise UnknownNameError("part of an explanation", name, PARTS)
        return frozenset(part for part in PARTS if part in explain)


class Explainer:
    """Adds evidence to the answers of one model.

    Args:
        folder: The model; its record of environments is read when the distance is first asked for.
        resources: Index and stock.
    """

    def __init__(self, folder: ModelFolder, resources: Resources) -> None:
        self._folder = folder
        self.resources = resources
        self._oracles: dict[str, Oracle] = {}

    def explain(self, task: str, answers: Sequence[Prediction], parts: frozenset[Part]) -> list[Prediction]:
        """Return the answers to questions of one task with the parts that are asked for.

        An answer without candidates stays as it is.

        Raises:
            ModelError: A file of the model or of the oracle is missing or damaged.
            DataError: The index was damaged since it was opened.
        """
        adding: Mapping[Part, Callable[[str, list[Prediction]], list[Prediction]]] = {
            "reaction_type": self._with_types,
            "round_trip": self._with_round_trips,
            "precedents": self._with_precedents,
            "in_stock": self._with_stock,
            "distance": self._with_distance,
        }
        answered = [answer for answer in answers if answer.candidates]
        for part in PARTS:
            if part in parts and answered:
                answered = adding[part](task, answered)
        explained = iter(answered)
        return [next(explained) if answer.candidates else answer for answer in answers]

    def _with_types(self, _: str, answers: list[Prediction]) -> list[Prediction]:
        def add(answer: Prediction) -> Prediction:
            told = any(candidate.reaction_type is not None for candidate in answer.candidates)
            return answer if told else _remarked(answer, "No reaction types: the model has none.")

        return list(map(add, answers))

    def _with_round_trips(self, task: str, answers: list[Prediction]) -> list[Prediction]:
        if task not in JUDGES:
            return [_remarked(answer, "No round trip: this task's answers make no reaction.") for answer in answers]
        if JUDGES[task] not in self._oracles:
            self._oracles[JUDGES[task]] = Oracle.load(JUDGES[task])
        oracle = self._oracles[JUDGES[task]]
        verdicts = iter(oracle.judge([reaction for answer in answers for reaction in reactions(answer)]))

        def add(answer: Prediction) -> Prediction:
            judged = _each(answer, lambda candidate, _: replace(candidate, round_trip=next(verdicts)))
            silent = all(candidate.round_trip is None for candidate in judged.candidates)
            return _remarked(judged, f"No round trip: {oracle.name} has no answer.") if silent else judged

        return list(map(add, answers))

    def _with_precedents(self, _: str, answers: list[Prediction]) -> list[Prediction]:
        index = self.resources.index
        if index is None:
            return [_remarked(answer, "No precedents: no index was given (--index DIR).") for answer in answers]

        def add(candidate: Candidate, reaction: Reaction) -> Candidate:
            return replace(candidate, precedents=tuple(index.search(str(reaction))))

        return [_each(answer, add) for answer in answers]

    def _with_stock(self, _: str, answers: list[Prediction]) -> list[Prediction]:
        stock = self.resources.stock
        if stock is None:
            return [_remarked(answer, "Not looked up in stock: none was given (--stock FILE).") for answer in answers]
        return [_each(answer, lambda c, r: replace(c, in_stock=stock.of(r.precursors))) for answer in answers]

    def _with_distance(self, _: str, answers: list[Prediction]) -> list[Prediction]:
        known = self._environments
        if known is None:
            why = "No distance to the training data: the model keeps no record of its atom environments."
            return [_remarked(answer, why) for answer in answers]
        return [_remarked(answer, _distance(known, answer.given)) for answer in answers]

    @cached_property
    def _environments(self) -> Keys | None:
        """The sorted keys of the model's training environments, if it keeps them."""
        file = self._folder.card.environments
        if file is None:
            return None
        keys: Keys = np.load(self._folder.file(file), allow_pickle=False)
        if keys.dtype != np.uint32 or keys.ndim != 1:
            raise ModelError(f"{file!r} of model {self._folder.card.name!r} is not a list of uint32 keys.")
        return keys


def reactions(answer: Prediction) -> list[Reaction]:
    """Return the reaction that the query and each candidate make; the query's own where an answer makes none."""
    return [_reaction(answer, candidate) for candidate in answer.candidates]


def _reaction(answer: Prediction, candidate: Candidate) -> Reaction:
    text = as_reaction(answer.task, answer.given, candidate.smiles or candidate.text)
    return Reaction.parse(text if len(split_roles(text)) == 3 else answer.given)


def _each(answer: Prediction, change: Callable[[Candidate, Reaction], Candidate]) -> Prediction:
    pairs = zip(answer.candidates, reactions(answer), strict=True)
    return replace(answer, candidates=tuple(change(candidate, reaction) for candidate, reaction in pairs))


def _remarked(answer: Prediction, remark: str) -> Prediction:
    return replace(answer, message=f"{answer.message} {remark}".strip()) if remark else answer


def _distance(known: Keys, given: str) -> str:
    """Return the warning that a canonical query deserves; empty where it is near."""
    missing, of = strange(known, ".".join(filter(None, split_roles(given))))
    if missing < FAR * of:
        return ""
    return f"Far from the training data: {missing} of the query's {of} atom environments are in no training molecule."
