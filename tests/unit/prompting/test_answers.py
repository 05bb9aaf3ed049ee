"""Answers are read back in canonical form, or the reason is stated."""

import dataclasses

import pytest

from retort.prompting.answers import read_answer
from retort.prompting.task import TASKS, Unreadable

RETRO = TASKS.get("retrosynthesis")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("OCC", "CCO"),
        (" OCC\n", "CCO"),
        ("O.CC", "CC.O"),
        ("O.O", "O.O"),
        ("[CH3:1][OH:2]", "CO"),
        ("N[C@@H](C)C(=O)O", "C[C@H](N)C(=O)O"),
        ("N->[Pd]", "[NH3]->[Pd]"),
    ],
)
def test_answers_are_canonical(text: str, answer: str) -> None:
    assert read_answer(RETRO, text) == answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty answer"),
        (" \n", "empty answer"),
        ("C1CC", "invalid SMILES: cannot read 'C1CC'"),
        ("CC(C", "invalid SMILES"),
        ("C(C)(C)(C)(C)C", "invalid SMILES"),
        ("CC>>O", "a reaction instead of molecules"),
        ("CC>O>N", "a reaction instead of molecules"),
        ("CC<extra_id_3>O", "token <extra_id_3> does not belong in an answer"),
        ("<text>ethanol</text>", "token <text> does not belong in an answer"),
        ("CC</text>", "token </text> does not belong"),
        ("CC O", "invalid SMILES"),
        ("CC\ufffd", "invalid SMILES"),
    ],
)
def test_unreadable_answers_say_why(text: str, reason: str) -> None:
    found = read_answer(RETRO, text)
    assert isinstance(found, Unreadable)
    assert reason in found.reason


def test_text_answers_are_not_chemistry() -> None:
    captioning = dataclasses.replace(RETRO, answer_kind="text")
    assert read_answer(captioning, " a colourless liquid ") == "a colourless liquid"
    assert read_answer(captioning, "") == Unreadable("empty answer")
