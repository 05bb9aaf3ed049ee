"""Prompts with examples, word by word, and what is read out of the answers to them."""

import pytest

from retort.prompting.in_context import in_context_text, read_said
from retort.prompting.task import TASKS, Unreadable

FORWARD, CLASSES, YIELD = (TASKS.get(f"{name}") for name in ("forward", "classes", "yields"))
TEMPLATES = TASKS.get("template_classes")

GOLDEN = """Name the product.

Input: CC.O
Output: CCO

Input: CC(=O)Cl.N
Output: CC(N)=O

Input: CC(=O)Cl.CN
Output:"""


def test_a_prompt_is_instruction_examples_and_question_with_the_nearest_last() -> None:
    shots = [("CC(=O)Cl.N", "CC(N)=O"), ("CC.O", "CCO")]
    assert in_context_text(FORWARD, "Name the product.", shots, "CC(=O)Cl.CN") == GOLDEN


def test_without_examples_the_question_follows_the_instruction() -> None:
    assert in_context_text(FORWARD, "What forms?", [], "C.O") == "What forms?\n\nInput: C.O\nOutput:"


def test_few_answers_are_listed_with_their_numbers_and_many_are_not() -> None:
    text = in_context_text(CLASSES, "Which class?", [], "C>>CO")
    assert "\n\n1. heteroatom alkylation and arylation\n2. acylation and related processes\n" in text
    assert "\n10. functional group addition\n\nInput:" in text
    assert in_context_text(TEMPLATES, "Which?", [("C>>O", "17")], "C>>N") == (
        "Which?\n\nInput: C>>O\nOutput: 17\n\nInput: C>>N\nOutput:"
    )


def test_a_yield_is_shown_in_per_cent() -> None:
    assert "Output: 63.2 %\n" in in_context_text(YIELD, "How much?", [("C>O>CO", "63.2468")], "C>O>CN")


@pytest.mark.parametrize(
    ("task", "said", "read"),
    [
        (FORWARD, "The product is OCC.", "CCO"),
        (FORWARD, " OCC\n\nInput: CCN\nOutput: CCC", "CCO"),
        (CLASSES, "acylation and related processes", "acylation and related processes"),
        (CLASSES, "Option 2", "acylation and related processes"),
        (CLASSES, "10", "functional group addition"),
        (TEMPLATES, "0", "0"),
        (TEMPLATES, "The class is 999.", "999"),
        (TEMPLATES, "17\n\nInput: C>>N", "17"),
        (YIELD, "about 63.5 %", "63.5"),
        (YIELD, "7", "7.0"),
    ],
)
def test_answers_are_read(task: object, said: str, read: str) -> None:
    assert read_said(task, said) == read  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "said", "kind"),
    [
        (FORWARD, "I do not know", "no SMILES"),
        (FORWARD, "C1CC(", "invalid SMILES"),
        (FORWARD, "\n\nInput: CCO\nOutput: CCO", "empty answer"),
        (FORWARD, "Input: CCO\nOutput: CCO", "empty answer"),
        (CLASSES, "12", "out of range"),
        (CLASSES, "option 1 or option 2", "several choices"),
        (TEMPLATES, "1000", "out of range"),
        (YIELD, "140 %", "out of range"),
        (YIELD, "60-70 %", "several numbers"),
        (YIELD, "high", "no number"),
    ],
)
def test_what_is_no_answer_is_never_one(task: object, said: str, kind: str) -> None:
    found = read_said(task, said)  # type: ignore[arg-type]
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(kind)
