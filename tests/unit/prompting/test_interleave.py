"""Procedures with molecules in the place of names: every name once per mention, and none inside another word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.prompting.dialogue import RunningText, VocabularyTokens, encode_running_text
from retort.prompting.molecules import MOLECULE, InputMode, interleave
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN, Vocabulary

NAMES = {"THF": "C1CCOC1", "sodium hydride": "[H-].[Na+]", "sodium": "[Na]", "methyl": "C", "N,N-dimethylaniline": "CN"}


@pytest.mark.parametrize(
    ("words", "expected", "found"),
    [
        ("in THF (5 ml).", f"in {MOLECULE} (5 ml).", ["THF"]),
        ("THF, then THF", f"{MOLECULE}, then {MOLECULE}", ["THF", "THF"]),
        ("sodium hydride and sodium", f"{MOLECULE} and {MOLECULE}", ["sodium hydride", "sodium"]),
        ("2-methyl-THF, methylene, d8-THF", "2-methyl-THF, methylene, d8-THF", []),
        ("(methyl)", f"({MOLECULE})", ["methyl"]),
        ("N,N-dimethylaniline/THF", f"{MOLECULE}/{MOLECULE}", ["N,N-dimethylaniline", "THF"]),
        ("thf", "thf", []),
        ("", "", []),
        (f"a {MOLECULE} by {TEXT_CLOSE} name", "a   by   name", []),  # marks in a text are no marks
    ],
)
def test_names_become_molecules(words: str, expected: str, found: list[str]) -> None:
    told = interleave(words, NAMES, "graph")
    assert told.text == f"{TEXT_OPEN}{expected}{TEXT_CLOSE}"
    assert list(told.found) == found
    assert told.molecules == tuple(NAMES[name] for name in found)


@pytest.mark.parametrize(
    ("mode", "expected", "listed"),
    [
        ("string", "<text>in </text>C1CCOC1<text> and</text>", ()),
        ("both", "<text>in <molecule></text>C1CCOC1<text> and</text>", ("C1CCOC1",)),
    ],
)
def test_modes(mode: InputMode, expected: str, listed: tuple[str, ...]) -> None:
    told = interleave("in THF and", NAMES, mode)
    assert (told.text, told.molecules) == (expected, listed)


@given(st.lists(st.sampled_from([*NAMES, " ", "-", ",", "(", "x", "<text>", "THF."]), max_size=12).map("".join))
def test_placeholders_and_molecules_pair_up_in_any_text(words: str) -> None:
    for mode in ("graph", "string", "both"):
        told = interleave(words, NAMES, mode)  # type: ignore[arg-type]
        assert told.text.count(MOLECULE) == len(told.molecules) == (0 if mode == "string" else len(told.found))
        row = encode_running_text(RunningText(told.text, told.molecules), VocabularyTokens(Vocabulary.build([])))
        assert len(row.molecules) == len(told.molecules)
