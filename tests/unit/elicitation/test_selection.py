"""Rules over a table of cells, and a search that halves: what is chosen, what it cost, and how it goes on."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.elicitation.checks import TooFewRowsError
from retort.elicitation.selection import (
    Cell,
    best,
    best_per_encoding,
    by_accuracy,
    by_information,
    fixed_n,
    successive_halving,
)
from retort.errors import ConfigError, DataError

# Accuracies that the paper's figure 3a shows for reagent prediction.
FIGURE = {
    Cell("concat_text", 3): 0.95,
    Cell("concat_text", 6): 0.77,
    Cell("concat_text", 10): 0.71,
    Cell("dot_product", 3): 0.94,
    Cell("dot_product", 6): 0.84,
    Cell("dot_product", 10): 0.62,
    Cell("output", 3): 0.85,
    Cell("output", 6): 0.69,
    Cell("output", 10): 0.50,
}


def test_the_published_rules_disagree() -> None:
    assert by_accuracy(FIGURE) == Cell("concat_text", 3)
    assert fixed_n(FIGURE) == Cell("concat_text", 10)
    assert fixed_n(FIGURE, 6) == Cell("dot_product", 6)
    assert best_per_encoding(FIGURE) == {name: Cell(name, 3) for name in ("concat_text", "dot_product", "output")}


def test_equals_go_to_the_fewest_types_then_by_name() -> None:
    assert best({Cell("b", 3): 1.0, Cell("a", 6): 1.0, Cell("a", 3): 1.0}) == Cell("a", 3)


def test_cells_that_cannot_be_told_from_the_best_go_to_the_fewest_types() -> None:
    values = {Cell("a", 3): 0.5, Cell("a", 6): 0.95, Cell("b", 6): 0.97, Cell("a", 10): 1.0}
    errors = {Cell("a", 10): 0.06}
    assert by_information(values) == Cell("a", 10)
    assert by_information(values, errors) == Cell("b", 6)
    assert by_information(values, errors, tolerance=0.1) == Cell("a", 10)
    with pytest.raises(DataError, match="error of"):
        by_information(values, {})


def test_tables_without_a_choice_are_refused() -> None:
    with pytest.raises(DataError, match="no cell"):
        by_accuracy({})
    with pytest.raises(DataError, match=r"no cell has 7 types. Choose among \[3, 6, 10\]"):
        fixed_n(FIGURE, 7)
    with pytest.raises(DataError, match=r"\(a, 3 types\) is nan"):
        by_accuracy({Cell("a", 3): math.nan})


def counted(calls: list[tuple[int, float]]) -> Callable[[int, float], float]:
    """Figures that are exact on a budget of 4 and too kind to odd cells below."""

    def evaluate(cell: int, budget: float) -> float:
        calls.append((cell, budget))
        return cell + (1.5 if budget < 4 and cell % 2 else 0.0)

    return evaluate


def test_the_better_half_goes_on() -> None:
    found = successive_halving(range(8), [1, 2, 4], counted([]))
    assert [list(rung.values) for rung in found.rungs] == [[7, 5, 6, 3, 4, 1, 2, 0], [7, 5, 6, 3], [7, 5]]
    assert found.best == 7
    assert found.spent == 8 * 1 + 4 * 2 + 2 * 4
    assert found.full == 8 * 4
    assert found.share == 0.75
    assert found.evaluated == 14


@given(cut=st.integers(0, 14))
def test_a_search_cut_off_goes_on_and_ends_the_same(cut: int) -> None:
    whole_calls: list[tuple[int, float]] = []
    whole = successive_halving(range(8), [1, 2, 4], counted(whole_calls))
    cache: dict[tuple[int, float], float] = {}
    calls: list[tuple[int, float]] = []

    def fails(cell: int, budget: float) -> float:
        if len(calls) == cut:
            raise KeyboardInterrupt
        return counted(calls)(cell, budget)

    try:
        successive_halving(range(8), [1, 2, 4], fails, cache=cache)
    except KeyboardInterrupt:
        assert len(cache) == cut
    again = successive_halving(range(8), [1, 2, 4], counted(calls), cache=cache)
    assert calls == whole_calls  # nothing twice
    assert (again.best, again.rungs, again.spent) == (whole.best, whole.rungs, whole.spent)
    assert again.evaluated == len(whole_calls) - min(cut, len(whole_calls))


def test_equals_go_on_together_and_keep_the_order_given() -> None:
    found = successive_halving("cab", [1, 2], lambda cell, budget: 0.0)
    assert [list(rung.values) for rung in found.rungs] == [["c", "a", "b"], ["c", "a", "b"]]
    assert found.best == "c"
    assert found.spent == 3 * 1 + 3 * 2


def test_a_budget_that_tells_nothing_apart_loses_nothing() -> None:
    found = successive_halving(range(6), [1, 2, 4], lambda cell, budget: float(cell) if budget > 1 else 0.0)
    assert [len(rung.values) for rung in found.rungs] == [6, 6, 3]
    assert found.best == 5


def test_a_cell_that_fails_is_named_and_the_search_goes_on() -> None:
    def evaluate(cell: int, budget: float) -> float:
        if cell == 3:
            raise TooFewRowsError("too few rows.")
        return math.nan if cell == 2 else float(cell)

    found = successive_halving(range(4), [1], evaluate)
    assert found.best == 1
    assert dict(found.rungs[0].failed) == {2: "the figure of (2) is nan.", 3: "too few rows."}
    with pytest.raises(DataError, match="none of 1 candidates could be evaluated on 1: too few rows"):
        successive_halving([3], [1], evaluate)


@pytest.mark.parametrize(
    ("cells", "budgets", "keep"),
    [(0, [1], 0.5), (2, [], 0.5), (2, [2, 1], 0.5), (2, [0, 1], 0.5), (2, [1], 0.0), (2, [1], 1.1)],
)
def test_plans_that_cannot_be_carried_out_are_refused(cells: int, budgets: list[float], keep: float) -> None:
    with pytest.raises(ConfigError):
        successive_halving(range(cells), budgets, lambda cell, budget: 0.0, keep=keep)
