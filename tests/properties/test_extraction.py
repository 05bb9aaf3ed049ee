"""Properties of reading answers out of sentences: any text is read or refused by name, and phrases change nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.chem.smiles import canonicalize, randomize
from retort.prompting.extraction import (
    FAILURES,
    READ,
    outcome,
    read_choice,
    read_number,
    read_percent,
    read_smiles,
    read_text,
)
from retort.prompting.phrases import bare
from retort.prompting.task import Unreadable

MOLECULES = ["CCO", "c1ccccc1", "C[C@H](N)C(=O)O", "CC(=O)Cl.NCc1ccccc1", "[Na+].[Cl-]", "F/C=C/CBr", "I"]
LEADS = ["", "Answer: ", "The product is ", "I think that the most likely answer would be: ", "SMILES = ", "It is "]
ENDS = ["", ".", "\n", " .", "\n\n"]
WRAPS = ["{}", "`{}`", '"{}"', "**{}**", "```\n{}\n```", "<answer>{}</answer>"]
WORDS = [
    "the",
    "is",
    "answer",
    "Option",
    "B",
    "2",
    "63",
    "%",
    "-",
    ".",
    ":",
    "CCO",
    "C1CC",
    "(",
    "```",
    "<smiles>",
    ",",
]
FORMS = ["{}", "option {}", "({})", "Candidate {}"]
words = st.sampled_from([*WORDS, "±", "third", ","])
texts = st.text(max_size=40) | st.lists(words, max_size=10).map(" ".join) | st.lists(words, max_size=10).map("".join)
frames = st.builds(lambda lead, wrap, end: lead + wrap + end, *map(st.sampled_from, (LEADS, WRAPS, ENDS)))
seeds = st.integers(0, 2**32 - 1)


@given(texts)
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    options = ["CCO", "CCN", "toluene"]
    found = [
        read_smiles(text),
        read_number(text, -10, 1000),
        read_percent(text, "percent"),
        read_percent(text, "fraction"),
        read_choice(text, options),
        read_text(text),
    ]
    assert {outcome(answer) for answer in found} <= {READ, *FAILURES}
    smiles, number, percent, fraction, choice, _ = found
    if not isinstance(smiles, Unreadable):
        assert canonicalize(smiles) == smiles
    assert isinstance(number, Unreadable) or -10 <= number <= 1000
    assert all(isinstance(share, Unreadable) or 0 <= share <= 100 for share in (percent, fraction))
    assert isinstance(choice, Unreadable) or choice in range(3)


@given(texts)
def test_what_is_bare_stays_as_it_is(text: str) -> None:
    left = bare(text).text
    assert left == left.strip()
    assert len(left) <= len(text)
    assert left in text.replace("\x1f", " ") or "<think" in text.lower()


@given(st.sampled_from(MOLECULES), frames, seeds)
def test_phrases_and_spellings_change_no_molecule(smiles: str, frame: str, seed: int) -> None:
    assert read_smiles(frame.format(randomize(smiles, random.Random(seed)))) == canonicalize(smiles)


@given(st.integers(1, 8), frames, st.integers(1, 8), st.sampled_from([*FORMS, "#{}"]))
def test_a_number_is_the_place_it_says_or_out_of_range(number: int, frame: str, count: int, form: str) -> None:
    found = read_choice(frame.format(form.format(number)), [f"candidate-{i}x" for i in range(count)])
    assert (outcome(found) if number > count else found) == ("out of range" if number > count else number - 1)


@given(st.integers(0, 7), frames, st.sampled_from(FORMS))
def test_letters_name_the_same_places_as_numbers(place: int, frame: str, form: str) -> None:
    options = [f"molecule-{i}x" for i in range(8)]
    letter = read_choice(frame.format(form.format("ABCDEFGH"[place])), options)
    assert letter == read_choice(frame.format(form.format(place + 1)), options) == place


@given(st.integers(0, 100_00), frames)
def test_a_percentage_is_one_number_in_all_its_forms(hundredths: int, frame: str) -> None:
    value = hundredths / 100
    for form in (f"{value}", f"{value} %", f"{value}%", f"about {value} percent", f"{value:.2f}".replace(".", ",")):
        assert read_percent(frame.format(form), "percent") == pytest.approx(value)
    assert read_percent(frame.format(f"{hundredths / 10_000:.4f}"), "fraction") == pytest.approx(value)
