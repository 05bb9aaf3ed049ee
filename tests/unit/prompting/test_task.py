"""Queries become prompts; what is wrong with a query is said."""

import pytest

from retort.chem.reaction import Reaction
from retort.errors import ChemistryError, UnknownNameError
from retort.prompting.task import TASKS, Question

AMIDE = Reaction(("CC(=O)Cl", "NCc1ccccc1"), ("CCN(CC)CC", "ClCCl"), ("CC(=O)NCc1ccccc1",))


@pytest.mark.parametrize(
    ("question", "prompt"),
    [
        (Question("retrosynthesis", "CCO"), "<retrosynthesis>CCO"),
        (Question("retrosynthesis", "CCO", reaction_class=2), "<retrosynthesis><class_2>CCO"),
        (Question("retrosynthesis", "CCO", reaction_types=(0,)), "<retrosynthesis><type_0>CCO"),
        (Question("retrosynthesis", "CCO", 10, (7,)), "<retrosynthesis><class_10><type_7>CCO"),
    ],
)
def test_prompts_are_compact(question: Question, prompt: str) -> None:
    assert question.prompt == prompt


@pytest.mark.parametrize(
    ("task", "given", "wanted"),
    [
        ("retrosynthesis", "CC(=O)NCc1ccccc1", "CC(=O)Cl.NCc1ccccc1"),
        ("forward_prediction", "CC(=O)Cl.NCc1ccccc1>CCN(CC)CC.ClCCl", "CC(=O)NCc1ccccc1"),
        ("reagent_prediction", "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "CCN(CC)CC.ClCCl"),
    ],
)
def test_what_each_task_shows_and_asks(task: str, given: str, wanted: str) -> None:
    assert TASKS.get(task).given(AMIDE) == given
    assert TASKS.get(task).wanted(AMIDE) == wanted


def test_mixed_reagents_stand_among_the_reactants() -> None:
    mixed = Reaction(AMIDE.precursors, (), AMIDE.products)
    assert TASKS.get("forward").given(mixed) == "CC(=O)Cl.NCc1ccccc1.CCN(CC)CC.ClCCl"


@pytest.mark.parametrize(
    ("task", "query", "text"),
    [
        ("retro", " CCO ", "CCO"),
        ("retro", "CCBr.[OH-]>>CCO", "CCO"),  # of a whole reaction, the product
        ("forward", "CCBr.[OH-]", "CCBr.[OH-]"),
        ("forward", "CCBr.[OH-]>>", "CCBr.[OH-]"),
        ("forward", "CCBr>[OH-].[Na+]>", "CCBr>[OH-].[Na+]"),
        ("forward", "CCBr>[OH-]>CCO", "CCBr>[OH-]"),  # the known product stays out
        ("forward", "CC->[Pd]>>C", "CC->[Pd]"),
        ("forward", "CC->[Pd]", "CC->[Pd]"),  # a dative bond makes no reaction
        ("retro", "[NH3]->[Pt]<-[NH3]", "[NH3]->[Pt]<-[NH3]"),
        ("reagents", "CCBr>>CCO", "CCBr>>CCO"),
        ("reagents", "CCBr>[Na+].[OH-]>CCO", "CCBr>>CCO"),  # the known reagents stay out
        ("reagents", "C->[Pd]>>[Pd]", "C->[Pd]>>[Pd]"),
    ],
)
def test_queries_are_read(task: str, query: str, text: str) -> None:
    assert TASKS.get(task).read_query(query) == text


@pytest.mark.parametrize(
    ("task", "query", "reason"),
    [
        ("retro", "", "empty"),
        ("retro", "  \t", "empty"),
        ("retro", "CCO>>", "lacks what retrosynthesis starts from"),
        ("retro", "CCO>O", "1 '>' instead of 2"),
        ("forward", ">>CCO", "lacks what forward_prediction starts from"),
        ("forward", ">O>CCO", "lacks what forward_prediction starts from"),
        ("reagents", "CCO", "not a reaction"),
        ("reagents", "C->[Pd]", "not a reaction"),
        ("reagents", "CCBr>>", "lacks what reagent_prediction starts from"),
        ("reagents", ">>CCO", "lacks what reagent_prediction starts from"),
        ("reagents", "A>B>C>D", "3 '>' instead of 2"),
    ],
)
def test_wrong_queries_are_named(task: str, query: str, reason: str) -> None:
    with pytest.raises(ChemistryError, match=reason) as caught:
        TASKS.get(task).read_query(query)
    assert caught.value.hint


def test_aliases_and_mistakes() -> None:
    assert TASKS.get("retro").name == "retrosynthesis"
    with pytest.raises(UnknownNameError, match="Did you mean 'retrosynthesis'"):
        TASKS.get("retrosyntesis")
