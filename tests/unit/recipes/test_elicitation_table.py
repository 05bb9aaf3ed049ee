"""What every rule takes from a table of cells, and what a search cost."""

import pytest

from retort.elicitation.selection import Cell, successive_halving
from retort.errors import DataError
from retort.recipes.elicitation_table import CellFigures, choices, chosen, search_facts, searched

FIGURES = {  # criterion, its error, accuracy
    Cell("output", 3): (1.0, 0.1, 0.99),
    Cell("output", 10): (2.0, 0.1, 0.6),
    Cell("difference", 6): (1.95, 0.1, 0.7),
    Cell("difference", 10): (1.2, 0.1, 0.65),
}
TABLE = [CellFigures(cell, *figures, {"sizes": (1, 2)}) for cell, figures in FIGURES.items()]
SEARCH = successive_halving(FIGURES, [10, 40], lambda cell, rows: FIGURES[cell][0], keep=0.5)


def plain(encoding: str, types: int) -> dict[str, object]:
    return {"encoding": encoding, "types": types}


def test_rules_disagree_as_they_should() -> None:
    assert choices(TABLE, SEARCH, 1.0) == {
        "search": plain("difference", 6),
        "greatest_information": plain("output", 10),
        "information": plain("difference", 6),
        "accuracy": plain("output", 3),
        "accuracy_per_encoding": {"difference": plain("difference", 6), "output": plain("output", 3)},
        "fixed": plain("difference", 10),
    }
    assert chosen("accuracy", TABLE, SEARCH, 1.0) == Cell("output", 3)
    assert chosen("fixed", TABLE, SEARCH, 1.0) == Cell("difference", 10)
    assert chosen("information", TABLE, SEARCH, 0.1) == Cell("output", 10)


def test_the_search_never_takes_what_it_has_dropped() -> None:
    few = successive_halving(FIGURES, [10, 40], lambda cell, rows: FIGURES[cell][2], keep=0.25)
    assert searched(TABLE, few, 1.0) == Cell("output", 3)


def test_a_table_without_ten_types_has_no_fixed_choice() -> None:
    small = [row for row in TABLE if row.cell.types != 10]
    assert choices(small, SEARCH, 1.0)["fixed"] is None
    with pytest.raises(DataError, match="10 types"):
        chosen("fixed", small, SEARCH, 1.0)


def test_a_search_says_what_it_cost() -> None:
    facts = search_facts(SEARCH)
    assert (facts["rows"], facts["grid_rows"], facts["share"]) == (4 * 10 + 2 * 40, 160, 0.75)
    assert [len(rung["criterion"]) for rung in facts["rungs"]] == [4, 2]
    assert facts["rungs"][1]["criterion"][0] == {"encoding": "output", "types": 10, "value": 2.0}
    assert TABLE[0].as_dict()["sizes"] == (1, 2)
