"""The table of cells: what each is worth, which one every rule would take, and what the search cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retort.elicitation.selection import (
    Cell,
    Halving,
    best,
    best_per_encoding,
    by_accuracy,
    by_information,
    fixed_n,
)
from retort.errors import DataError

Rule = Literal["search", "information", "accuracy", "fixed"]
_FIXED = 10  # types that the paper's tables use


@dataclass(frozen=True)
class CellFigures:
    """One row of the table.

    Attributes:
        cell: Encoding and number of types.
        value: Criterion, nats per row.
        error: Its standard error.
        accuracy: Of the annotator on the hold-out inside train.
        others: Everything else, ready for JSON.
    """

    cell: Cell
    value: float
    error: float
    accuracy: float
    others: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        figures = {"criterion": self.value, "standard_error": self.error, "accuracy": self.accuracy}
        return {**_plain(self.cell), **figures, **self.others}


def choices(table: Sequence[CellFigures], search: Halving[Cell], tolerance: float) -> dict[str, Any]:
    """Return what every rule chooses among the cells of a table, as plain values.

    ``search`` is the simplest cell of the last rung that cannot be told from its best; the other rules read the whole
    table. ``fixed`` is None where no cell has ten types.
    """
    accuracies = {row.cell: row.accuracy for row in table}
    per_encoding = best_per_encoding(accuracies)
    return {
        "search": _plain(searched(table, search, tolerance)),
        "greatest_information": _plain(best({row.cell: row.value for row in table})),
        "information": _plain(_informed(table, tolerance)),
        "accuracy": _plain(by_accuracy(accuracies)),
        "accuracy_per_encoding": {name: _plain(cell) for name, cell in per_encoding.items()},
        "fixed": _fixed(accuracies),
    }


def searched(table: Sequence[CellFigures], search: Halving[Cell], tolerance: float) -> Cell:
    """Return the simplest cell of the last rung of a search that cannot be told from its best."""
    return _informed([row for row in table if row.cell in search.rungs[-1].values], tolerance)


def chosen(rule: Rule, table: Sequence[CellFigures], search: Halving[Cell], tolerance: float) -> Cell:
    """Return the cell that a rule chooses; raises DataError where it can choose none."""
    if rule == "search":
        return searched(table, search, tolerance)
    if rule == "information":
        return _informed(table, tolerance)
    accuracies = {row.cell: row.accuracy for row in table}
    return by_accuracy(accuracies) if rule == "accuracy" else fixed_n(accuracies, _FIXED)


def search_facts(search: Halving[Cell]) -> dict[str, Any]:
    """Return what a search did and cost, as plain values."""
    rungs = [
        {
            "rows": int(rung.budget),
            "criterion": [{**_plain(cell), "value": value} for cell, value in rung.values.items()],
            "failed": [{**_plain(cell), "reason": reason} for cell, reason in rung.failed.items()],
        }
        for rung in search.rungs
    ]
    return {"rows": search.spent, "grid_rows": search.full, "share": search.share, "rungs": rungs}


def _informed(table: Sequence[CellFigures], tolerance: float) -> Cell:
    values = {row.cell: row.value for row in table}
    return by_information(values, {row.cell: row.error for row in table}, tolerance)


def _fixed(accuracies: Mapping[Cell, float]) -> dict[str, Any] | None:
    try:
        return _plain(fixed_n(accuracies, _FIXED))
    except DataError:
        return None


def _plain(cell: Cell) -> dict[str, Any]:
    return {"encoding": cell.encoding, "types": cell.types}
