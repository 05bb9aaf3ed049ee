"""Which instruction a row gets: the first, one drawn by its id, the one nearest to its input, or the nearest of a few.

Every choice is made among the templates of the row's own task, in a joint library too; nothing here can name a
template by a number that counts from the beginning of another task. Nearest is equations (10) and (11) of SLM4CRP:
adaptability is the negative distance between input and template, and the greatest adaptability wins, which is the
smallest distance (the paper prints argmin over the negative distance, which would take the farthest). Dynamic is what
the paper names as future work, a wider and more random store: a few templates are drawn for each row, and the nearest
of these is taken, so that many wordings are seen and the row still has a say.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retort.config import option
from retort.errors import DataError, UsageError
from retort.prompting.template import Library, Template


@dataclass(frozen=True, slots=True)
class Selection:
    """How instructions are chosen."""

    how: Literal["static", "random", "nearest", "dynamic"] = option(
        "static", help="the first, one by row id, the nearest, or the nearest of a few by row id"
    )
    seed: int = option(0, help="seed of the random choices")
    drawn: int = option(4, help="how many the dynamic choice draws for each row")

    def __post_init__(self) -> None:
        if self.drawn < 1:
            raise UsageError(f"a dynamic choice among {self.drawn} instructions is none.", "Draw one or more.")

    def choose(self, library: Library, task: str, row_id: str, distances: Sequence[float] | None = None) -> Template:
        """Return the template of one row.

        Args:
            library: The pool.
            task: The row's task.
            row_id: The row's identifier; the random choice depends on it and on nothing else of the row.
            distances: As for :func:`nearest`, which alone reads them.

        Raises:
            UsageError: Distances are asked for and missing.
            DataError: The task has no instructions, or the distances do not fit.
        """
        if self.how == "static":
            return static(library, task)
        if self.how == "random":
            return drawn(library, task, row_id, self.seed)
        if distances is None:
            raise UsageError("the nearest instruction needs the distances of the row.", "Embed inputs and templates.")
        if self.how == "dynamic":
            return dynamic(library, task, row_id, distances, self.seed, self.drawn)
        return nearest(library, task, distances)


def static(library: Library, task: str) -> Template:
    """Return the first template of a task; raises DataError where it has none."""
    return library.of(task)[0]


def drawn(library: Library, task: str, row_id: str, seed: int) -> Template:
    """Return a template drawn evenly by seed, task and row id, whatever the order of the rows.

    Raises:
        DataError: The task has no instructions.
    """
    templates = library.of(task)
    return templates[_number(seed, task, row_id) % len(templates)]


def nearest(library: Library, task: str, distances: Sequence[float]) -> Template:
    """Return the template of a task at the smallest distance; of equal ones the first.

    Args:
        library: The pool.
        task: The row's task; templates of other tasks are not looked at, however near.
        distances: From the row's input to *every* template of the library, in its order; finite and not negative.

    Raises:
        DataError: The task has no instructions, the distances are not as many as the templates, or one is negative
            (an adaptability has been given for a distance) or not a finite number.
    """
    places = _measured(library, task, distances)
    return library.templates[min(places, key=lambda place: distances[place])]


def dynamic(library: Library, task: str, row_id: str, distances: Sequence[float], seed: int, count: int) -> Template:
    """Return the nearest of ``count`` templates of a task that are drawn without repetition by seed, task and row id.

    Where the task has no more than ``count``, it is :func:`nearest`; raises as that.
    """
    texts = {place: library.templates[place].text for place in _measured(library, task, distances)}
    shuffled = sorted(texts, key=lambda place: _number(seed, task, f"{row_id}\0{texts[place]}"))
    return library.templates[min(sorted(shuffled[:count]), key=lambda place: distances[place])]


def _measured(library: Library, task: str, distances: Sequence[float]) -> tuple[int, ...]:
    """Return the places of a task's templates; raises DataError where the distances do not fit."""
    if len(distances) != len(library.templates):
        raise DataError(
            f"{len(distances)} distances do not fit the {len(library.templates)} templates of {library.name!r}.",
            "Measure the distance to every template of the library, in its order.",
        )
    places = library.places(task)
    for place in places:
        if not (math.isfinite(distances[place]) and distances[place] >= 0):
            raise DataError(f"{distances[place]} is not a distance.", "Give distances, not their negatives.")
    return places


def _number(seed: int, task: str, row_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{task}\0{row_id}".encode()).digest(), "big")


@dataclass(frozen=True, slots=True)
class ChoiceEntropy:
    """How varied choices are.

    Attributes:
        nats: Shannon entropy of the chosen templates, in nats.
        normalised: The same divided by its greatest value, ln(available): 0 constant, 1 even; 0 where there is one.
        distinct: Number of templates that were chosen at least once.
        available: Number of templates there were to choose from.
        rows: Number of choices.
    """

    nats: float
    normalised: float
    distinct: int
    available: int
    rows: int


def choice_entropy(choices: Iterable[Hashable], available: int) -> ChoiceEntropy:
    """Return the entropy of choices of one task (plug-in estimate).

    Args:
        choices: What each row got.
        available: Size of the pool.

    Raises:
        DataError: There is no choice, or more different ones than the pool has.
    """
    counts = Counter(choices)
    rows = counts.total()
    if not rows or len(counts) > available:
        raise DataError(f"{rows} choices with {len(counts)} different ones do not fit a pool of {available}.")
    nats = max(0.0, math.log(rows) - math.fsum(n * math.log(n) for n in counts.values()) / rows)
    normalised = min(1.0, nats / math.log(available)) if available > 1 else 0.0
    return ChoiceEntropy(nats, normalised, len(counts), available, rows)


def entropy_by_task(choices: Iterable[Template], library: Library) -> dict[str, ChoiceEntropy]:
    """Return the entropy of the choices of every task that was asked, so that a mixture of tasks adds none.

    Raises:
        DataError: A choice is not of the library.
    """
    chosen: dict[str, list[Template]] = {}
    for template in choices:
        if template not in library.of(template.task):
            raise DataError(f"{template.text!r} is not of the library {library.name!r}.")
        chosen.setdefault(template.task, []).append(template)
    return {task: choice_entropy(found, len(library.of(task))) for task, found in chosen.items()}
