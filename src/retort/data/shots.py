"""Which solved examples stand before a question: chosen by chance, ring system or text, never the question itself.

An example is kept away from a question where both ask the same, stereo and the order and roles of molecules aside.
Where the answers of a task are molecules of their own (products, reactants; not reagents, which recur), no molecule of
the right answer may stand anywhere in an example either. That rule reads the answer, so as to leave examples out.

- ``random``: drawn anew for every question from a seed and the question, whatever the order of the questions.
- ``scaffold``: Tanimoto similarity of Morgan counts (radius 2) of the Murcko scaffolds of the last role of the
  question, which is the product of a reaction. Two molecules without rings are alike (1), one with and one without are
  not (0).
- ``text``: Tanimoto similarity of the counts of all runs of three characters of the question.

Of examples that are equally like, the first of the pool is taken.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import Fingerprint
from retort.chem.scaffold import murcko_scaffold
from retort.chem.smiles import without_stereo
from retort.errors import DataError
from retort.prompting.task import Task

Choice = Literal["random", "scaffold", "text"]
Bag = Mapping[Any, int]
_RUN = 3  # characters
_ROLE = re.compile(r"(?<!-)>")
_SCAFFOLD = Fingerprint(bits=4096, chirality=False, damped=False)


@dataclass(frozen=True, slots=True)
class Solved:
    """A question with its answer, both canonical."""

    question: str
    answer: str


class ShotPool:
    """Solved questions to choose examples from.

    Args:
        task: What they ask.
        rows: The questions with their answers.
        choice: How examples are chosen.

    Raises:
        DataError: There are no rows.
    """

    def __init__(self, task: Task, rows: Sequence[Solved], choice: Choice) -> None:
        if not rows:
            raise DataError("the pool of examples is empty.", "Name a table or source that has rows for the task.")
        self.rows = tuple(rows)
        self._task = task
        self._choice = choice
        self._asked = [_asked(row) for row in rows]
        self._shown = [{*_asked(row), *_molecules(row.answer, task)} for row in rows]
        self._index = None if choice == "random" else _Index(_features(row, choice) for row in rows)

    def choose(self, query: Solved, number: int, seed: int = 0) -> tuple[Solved, ...]:
        """Return at most ``number`` different examples, the most similar first; fewer where the pool has no more.

        Args:
            query: The question, and its right answer, whose molecules are kept away.
            number: How many.
            seed: Of the choice by chance; the others do not depend on it.
        """
        asked, secret = _asked(query), self._secret(query)
        found: dict[tuple[str, ...], Solved] = {}
        for place in self._order(query, seed):
            if len(found) == number:
                break
            if self._asked[place] != asked and not secret & self._shown[place]:
                found.setdefault(self._asked[place], self.rows[place])
        return tuple(found.values())

    def _secret(self, query: Solved) -> frozenset[str]:
        return frozenset() if self._task.recurring else frozenset(_molecules(query.answer, self._task))

    def _order(self, query: Solved, seed: int) -> Iterator[int]:
        if self._index is None:
            digest = int.from_bytes(hashlib.blake2b(query.question.encode(), digest_size=8).digest(), "big")
            return iter(np.random.default_rng([seed, digest]).permutation(len(self.rows)).tolist())
        likeness = self._index.similarities(_features(query, self._choice))
        return iter(np.argsort(-likeness, kind="stable").tolist())


class _Index:
    """Count Tanimoto similarity to many bags of features at once: for each feature, who has it and how often."""

    def __init__(self, bags: Iterable[Bag]) -> None:
        places: dict[Any, list[int]] = defaultdict(list)
        counts: dict[Any, list[int]] = defaultdict(list)
        totals: list[int] = []
        for place, bag in enumerate(bags):
            for feature, count in bag.items():
                places[feature].append(place)
                counts[feature].append(count)
            totals.append(sum(bag.values()))
        self._having = {name: (np.array(places[name]), np.array(counts[name])) for name in places}
        self._totals = np.array(totals, np.float64)

    def similarities(self, bag: Bag) -> NDArray[np.float64]:
        """Return the similarity of a bag to every one [n], 0 to 1; of two empty ones it is 1."""
        shared = np.zeros_like(self._totals)
        for feature, count in bag.items():
            if feature in self._having:
                rows, counts = self._having[feature]
                shared[rows] += np.minimum(counts, count)
        union = self._totals + sum(bag.values()) - shared
        found: NDArray[np.float64] = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
        return found


def _features(row: Solved, choice: Choice) -> Bag:
    if choice == "text":
        text = row.question
        return Counter(text[i : i + _RUN] for i in range(max(1, len(text) - _RUN + 1)))
    roles = [role for role in _ROLE.split(row.question) if role]
    return _SCAFFOLD.counts(murcko_scaffold(roles[-1]))


def _asked(row: Solved) -> tuple[str, ...]:
    """Return the molecules of a question without stereo, sorted, whatever their roles."""
    parts = [part for role in _ROLE.split(row.question) for part in role.split(".") if part]
    return tuple(sorted(map(without_stereo, parts)))


def _molecules(answer: str, task: Task) -> set[str]:
    """Return the molecules of an answer without stereo; none where answers are no molecules."""
    parts = filter(None, answer.split("."))
    return set(map(without_stereo, parts)) if task.answer_kind == "smiles" else set()
