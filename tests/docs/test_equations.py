"""The table of equations names what exists, all of it, and calls missing what is missing."""

from types import ModuleType

import pytest


def test_the_thirteen_equations_stand_in_order(generate: ModuleType) -> None:
    assert [equation.number for equation in generate.equations()] == list(range(1, 14))


@pytest.mark.parametrize("number", range(1, 14))
def test_functions_import_and_tests_exist(generate: ModuleType, number: int) -> None:
    (equation,) = [each for each in generate.equations() if each.number == number]
    assert equation.missing == []
    assert bool(equation.functions) == bool(equation.tests), "what is done is tested, and what is tested is done"


def test_names_that_lead_nowhere_are_found(generate: ModuleType) -> None:
    functions = (
        "retort.prompting.selection.nearest",
        "retort.prompting.selection.farthest",
        "retort.nowhere.nearest",
        "retort.prompting.template.Template.with_type",
        "retort.prompting.template.Template.without_type",
    )
    here = "tests/docs/test_equations.py"
    tests = (
        f"{here}::test_names_that_lead_nowhere_are_found",
        f"{here}::test_nothing",
        "tests/docs/test_none.py::test_x",
        f"{here}::row",
    )
    missing = generate.Equation(1, "says", functions, tests).missing
    assert missing == [functions[1], functions[2], functions[4], tests[1], tests[2], tests[3]]


def test_what_nothing_does_is_called_so(generate: ModuleType) -> None:
    assert generate.equation_row(generate.Equation(7, "a | b")) == (
        "| (7) | a \\| b | **nothing yet** | **nothing yet** |   |"
    )


def test_what_is_inferred_is_marked(generate: ModuleType) -> None:
    row = generate.equation_row(generate.Equation(8, "x", ("retort.errors",), ("tests/a.py::test_b",), "y", True))
    assert row == "| (8) *inferred* | x | `errors` | `a.py::test_b` | y |"
