"""Questions with candidates, and the yields of a list."""

import pytest

from retort.errors import ChemistryError
from retort.inference.questions import ask
from retort.prompting.answers import read_yields
from retort.prompting.candidates import filled, reactions_of, split_candidates, with_candidates, write_yields
from retort.prompting.task import TASKS, Unreadable

TASK = TASKS.get("selection")
QUESTION = "Brc1ccccc1.NCC>CC(C)=O>CCNc1ccccc1"


def test_a_question_is_taken_apart_and_put_together() -> None:
    reaction, candidates = split_candidates(f"{QUESTION}>CCO> CO")
    assert (reaction, candidates) == (QUESTION, ("CCO", "CO"))
    assert split_candidates(with_candidates(reaction, candidates)) == (reaction, candidates)
    assert split_candidates("N->[Cu]>>C>CCO") == ("N->[Cu]>>C", ("CCO",))  # the arrow of a dative bond is no border


def test_what_is_taken_joins_the_precursors_in_their_order() -> None:
    assert filled("CC.N>O>C", "[Na+].[OH-]") == "CC.N.O.[Na+].[OH-]>>C"
    assert reactions_of("CC>>C>N>O") == ["CC.N>>C", "CC.O>>C"]
    assert reactions_of("CC>>C") == ["CC>>C"]


def test_a_question_is_canonical_and_roles_are_not_told_apart() -> None:
    mixed = ask(TASK, "C(N)C.CC(=O)C.c1ccccc1Br>>c1ccccc1NCC>OCC>OC").given
    assert mixed == ask(TASK, f"{QUESTION}>CCO>CO").given
    assert mixed.endswith(">>CCNc1ccccc1>CCO>CO")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (f"{QUESTION}", "a list of 0"),
        (f"{QUESTION}>CCO", "a list of 1"),
        (f"{QUESTION}>CCO>>CO", "candidate 2 is empty"),
        (f"{QUESTION}>CCO>CO>C(O)C", "candidate 3 repeats candidate 1"),
        (f"{QUESTION}>CCO>water", "water"),
        ("CC>CCO>", "lacks what reagent_selection starts from"),
        ("CC", "not a reaction"),
        (f"{QUESTION}>CCO>*C", "wildcard"),
    ],
)
def test_what_is_no_list_is_refused_with_its_reason(query: str, why: str) -> None:
    with pytest.raises(ChemistryError, match=why):
        ask(TASK, query)


def test_a_list_may_be_longer_than_a_reaction() -> None:
    chains = ">".join("C" * n for n in range(1, 70))
    assert len(split_candidates(ask(TASK, f"{QUESTION}>{chains}").given)[1]) == 69


def test_yields_are_read_back_or_refused() -> None:
    assert read_yields(write_yields([93.67, 0, 100]), 3) == (93.67, 0.0, 100.0)
    for text, why in (("1;2", "2 yields for 3"), ("1;2;140", "140"), ("1;2;-1", "-1"), ("1;2;nan", "nan"), ("", "not")):
        found = read_yields(text, 3)
        assert isinstance(found, Unreadable)
        assert why in found.reason
