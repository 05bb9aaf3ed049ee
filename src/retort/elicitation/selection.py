"""Choosing the encoding and the number of types: the published rules, the criterion, and a search that costs less.

A cell is one choice. The rules read a table of figures and know nothing of how these were obtained; whether a rule
finds the cell whose *final model* is best is for an experiment to say, on rows the rule has not seen.
"""

import math
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from retort.errors import ConfigError, DataError

C = TypeVar("C")


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """An encoding and a number of types."""

    encoding: str
    types: int

    def __str__(self) -> str:
        return f"{self.encoding}, {self.types} types"


def by_accuracy(accuracies: Mapping[Cell, float]) -> Cell:
    """Return the cell whose types are predicted most accurately (SLM4CRP, section 4); of equals, the fewest types.

    Accuracy falls with the number of types and is greatest for types that ignore the output, so this rule favours both.

    Raises:
        DataError: The table is empty or a figure is not finite.
    """
    return best(accuracies)


def best_per_encoding(accuracies: Mapping[Cell, float]) -> dict[str, Cell]:
    """Return each encoding's most accurate cell (SLM4CRP, algorithm 1); raises as :func:`by_accuracy`."""
    names = sorted({cell.encoding for cell in _checked(accuracies)})
    return {name: best({c: a for c, a in accuracies.items() if c.encoding == name}) for name in names}


def fixed_n(accuracies: Mapping[Cell, float], types: int = 10) -> Cell:
    """Return the most accurate encoding at a given number of types (the paper's tables use 10).

    Raises:
        DataError: The table has no cell with so many types, or a figure is not finite.
    """
    chosen = {cell: accuracy for cell, accuracy in _checked(accuracies).items() if cell.types == types}
    if not chosen:
        known = sorted({cell.types for cell in accuracies})
        raise DataError(f"no cell has {types} types.", f"Choose among {known}.")
    return best(chosen)


def by_information(
    values: Mapping[Cell, float], errors: Mapping[Cell, float] | None = None, tolerance: float = 1.0
) -> Cell:
    """Return the cell of the greatest usable information, or the simplest one that cannot be told from it.

    With standard errors, cells within ``tolerance`` errors of the greatest value compete, and the fewest types win,
    then the greatest value: the one-standard-error rule (Breiman, Friedman, Olshen and Stone, 1984).

    Args:
        values: Usable information in nats per row.
        errors: Its standard errors; without them the greatest value wins.
        tolerance: How many errors of the greatest value count as no difference.

    Raises:
        DataError: The table is empty, a figure is not finite, or an error is missing.
    """
    first = best(values)
    if errors is None:
        return first
    if first not in errors:
        raise DataError(f"the standard error of ({first}) is missing.")
    least = values[first] - tolerance * errors[first]
    return min((cell for cell in values if values[cell] >= least), key=lambda c: (c.types, -values[c], c.encoding))


def best(values: Mapping[Cell, float]) -> Cell:
    """Return the cell with the greatest figure; of equals, the one of fewest types, then by name.

    Raises:
        DataError: The table is empty or a figure is not finite.
    """
    return min(_checked(values), key=lambda cell: (-values[cell], cell.types, cell.encoding))


@dataclass(frozen=True)
class Rung(Generic[C]):
    """One round of a search.

    Attributes:
        budget: What each candidate was given, in the caller's unit (rows, tokens, steps).
        values: Figure of each candidate that could be evaluated, best first.
        failed: Why the others could not be.
    """

    budget: float
    values: Mapping[C, float]
    failed: Mapping[C, str]


@dataclass(frozen=True)
class Halving(Generic[C]):
    """The result of a search.

    Attributes:
        best: The first of the last rung.
        rungs: All rounds, smallest budget first.
        spent: Sum of the budgets of all evaluations the result rests on, whether made now or remembered.
        full: What evaluating every candidate at the last budget would cost.
        evaluated: Evaluations made in this call.
    """

    best: C
    rungs: tuple[Rung[C], ...]
    spent: float
    full: float
    evaluated: int

    @property
    def share(self) -> float:
        """Cost as a share of the full grid's."""
        return self.spent / self.full


def successive_halving(
    cells: Iterable[C],
    budgets: Sequence[float],
    evaluate: Callable[[C, float], float],
    *,
    keep: float = 0.5,
    cache: MutableMapping[tuple[C, float], float] | None = None,
) -> Halving[C]:
    """Evaluate all cells on a small budget, the better share on a larger one, and so on.

    Jamieson and Talwalkar, AISTATS 2016 (arXiv 1502.07943). Each round evaluates anew on its whole budget. The same
    cells, budgets and figures give the same result. Equals are ranked by the order of ``cells``, but for the best of a
    round: all of these go on, so that a budget too small to tell cells apart costs time and no cell.

    Args:
        cells: Candidates; repeated ones count once.
        budgets: Rising budgets, one a round.
        evaluate: Returns a figure, the greater the better; a DataError it raises fails that candidate, with its reason.
        keep: Share of the candidates of a round that go on to the next, rounded up.
        cache: Figures already known; new ones are added as soon as they are there, so a search goes on where it was
            cut off.

    Raises:
        ConfigError: There is no cell or budget, budgets do not rise from above 0, or the share is not in (0, 1].
        DataError: No candidate of a round could be evaluated.
    """
    known = {} if cache is None else cache
    before, running = len(known), list(dict.fromkeys(cells))
    _refuse_plan(len(running), budgets, keep)
    count, spent, rungs = len(running), 0.0, []
    for budget in budgets:
        rung = _rung(running, budget, evaluate, known)
        spent += budget * len(running)
        rungs.append(rung)
        running = _ahead(rung.values, math.ceil(keep * len(running)))
    return Halving(next(iter(rungs[-1].values)), tuple(rungs), spent, budgets[-1] * count, len(known) - before)


def _rung(
    cells: Sequence[C],
    budget: float,
    evaluate: Callable[[C, float], float],
    known: MutableMapping[tuple[C, float], float],
) -> Rung[C]:
    values: dict[C, float] = {}
    failed: dict[C, str] = {}
    for cell in cells:
        try:
            if (cell, budget) not in known:
                known[cell, budget] = _finite(cell, evaluate(cell, budget))
            values[cell] = known[cell, budget]
        except DataError as error:
            failed[cell] = str(error)
    if not values:
        reason = next(iter(failed.values()))
        raise DataError(f"none of {len(cells)} candidates could be evaluated on {budget:g}: {reason}")
    ranked = sorted(values, key=lambda cell: -values[cell])  # stable: equals keep their order
    return Rung(budget, {cell: values[cell] for cell in ranked}, failed)


def _ahead(values: Mapping[C, float], count: int) -> list[C]:
    """Return the best so many of ranked candidates; where these are all equal, whoever equals them too."""
    ranked = list(values)
    top = [cell for cell in ranked if values[cell] == values[ranked[0]]]
    return max(ranked[:count], top, key=len)


def _refuse_plan(cells: int, budgets: Sequence[float], keep: float) -> None:
    if not cells or not budgets:
        raise ConfigError(f"{cells} cells and {len(budgets)} budgets make no search.", "Give at least one of each.")
    if budgets[0] <= 0 or any(after <= before for before, after in pairwise(budgets)):
        raise ConfigError(f"the budgets {list(budgets)} do not rise from above 0.")
    if not 0 < keep <= 1:
        raise ConfigError(f"a share of {keep} cannot be kept.", "Give one above 0 and at most 1.")


def _finite(cell: object, value: float) -> float:
    if not math.isfinite(value):
        raise DataError(f"the figure of ({cell}) is {value}.")
    return value


def _checked(values: Mapping[Cell, float]) -> Mapping[Cell, float]:
    if not values:
        raise DataError("the table has no cell.", "Evaluate at least one.")
    for cell, value in values.items():
        _finite(cell, value)
    return values
