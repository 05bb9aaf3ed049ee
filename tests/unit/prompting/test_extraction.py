"""Answers read out of sentences: phrasings that models use, and every way to fail by its name."""

import pytest

from retort.errors import UsageError
from retort.prompting.extraction import (
    FAILURES,
    count_outcomes,
    outcome,
    read_choice,
    read_name,
    read_number,
    read_percent,
    read_smiles,
    read_text,
)
from retort.prompting.phrases import bare, without_heading
from retort.prompting.task import Unreadable

# phrasing with {} for the answer
PHRASINGS = [
    "{}",
    " {}.\n",
    "`{}`",
    '"{}".',
    "**{}**",
    "```\n{}\n```",
    "```smiles\n{}\n```\nThis follows from the mechanism.",
    "<SMILES> {} </SMILES>",
    "<answer>{}",
    "Answer: {}",
    "Final answer: **{}**",
    "Output:\n{}",
    "The product is {}.",
    "The product of this reaction is: {}",
    "The most likely product would be `{}`.",
    "Sure! The answer is {}.",
    "I think that the answer is {}",
    "I would choose {}.",
    "It is probably {}.",
    "Here is the predicted structure: {}",
    "SMILES = {}",
    "<think>It might be CCN or option A, 12 % at most.</think>The answer is {}",
]


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_every_phrasing_gives_the_answer_to_every_reader(phrasing: str) -> None:
    assert read_smiles(phrasing.format("OCC")) == "CCO"
    assert read_choice(phrasing.format("2"), ["x", "y", "z"]) == 1
    assert read_choice(phrasing.format("B"), ["x", "y", "z"]) == 1
    assert read_number(phrasing.format("-4.5")) == -4.5
    assert read_percent(phrasing.format("63 %"), "fraction") == 63


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The product can be CC(=O)O.CCN because acids add.", "CC(=O)O.CCN"),
        ("This Suzuki coupling gives c1ccc(-c2ccccc2)cc1.", "c1ccc(-c2ccccc2)cc1"),
        ("The C=O group is reduced, affording CC(O)C here.", "CC(C)O"),
        ("Heating (80 degrees) makes it close; I expect C1CCCO1, tetrahydrofuran.", "C1CCOC1"),
        ("CCO\n\nExplanation: the ester is cleaved.", "CCO"),
        ("Product (major): [Na+].[Cl-]", "[Cl-].[Na+]"),
        ("The products are CCO and CCN.", "CCO"),
        ("One expects not CC(=O)O but CC(=O)Cl.", "CC(=O)Cl"),
        ("I", "I"),  # hydrogen iodide, as it stands alone
        ("C[C@H](N)C(=O)O.", "C[C@H](N)C(=O)O"),
        ("(see below) CC(=O)Cl", "CC(=O)Cl"),
    ],
)
def test_the_first_readable_molecule_is_read(text: str, answer: str) -> None:
    assert read_smiles(text) == answer


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "empty answer"),
        ("The product is .", "empty answer"),
        ("```\n```", "empty answer"),
        ("I cannot answer this question.", "no SMILES"),
        ("I think PCC oxidises BOC.", "no SMILES"),  # words in capitals within a sentence
        ("unknown", "no SMILES"),
        ("The product is C1CC.", "invalid SMILES"),
        ("The product is C(C)(C)(C)(C)C", "invalid SMILES"),
        ("CC(=O", "invalid SMILES"),
    ],
)
def test_molecules_that_cannot_be_read(text: str, failure: str) -> None:
    found = read_smiles(text)
    assert isinstance(found, Unreadable)
    assert outcome(found) == failure


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("about 63", 63),
        ("approximately 0.63.", 0.63),
        ("~ 1e-3", 0.001),
        ("63,5", 63.5),
        ("1,234,567", 1_234_567),
        ("1,234", 1234),
        ("0,634", 0.634),
        ("-3", -3),
        ("−3", -3),
        (".5", 0.5),
        ("63 ± 5", 63),
        ("The value is 12 at 25 °C.", 12),  # what follows the phrase
        ("I expect 12 of them", 12),
        ("for 2-methylpropane, 12", 12),  # a locant is no number
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert read_number(text) == value


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "empty answer"),
        ("high", "no number"),
        ("quantitative", "no number"),
        ("60-70", "several numbers"),
        ("60 to 70", "several numbers"),
        ("12 at 25 °C", "several numbers"),
        ("more than 95", "only a bound"),
        ("at least 50", "only a bound"),
        (">95", "only a bound"),
        ("1.2.3", "no number"),
        ("101", "out of range"),
        ("1e999", "out of range"),
    ],
)
def test_numbers_that_cannot_be_read(text: str, failure: str) -> None:
    assert outcome(read_number(text, 0, 100)) == failure


@pytest.mark.parametrize(
    ("text", "percent", "fraction"),
    [
        ("about 63 %", 63, 63),
        ("63%", 63, 63),
        ("63 percent", 63, 63),
        ("0.63", 0.63, 63),
        ("63", 63, "out of range"),
        ("140 %", "out of range", "out of range"),
        ("-5 %", "out of range", "out of range"),
        ("After 2 h at 80 °C one gets 63 %.", 63, 63),  # the only one with a sign
        ("The yield is 63 % of the theoretical 70 %.", 63, 63),
        ("between 60 % and 70 %", "several numbers", "several numbers"),
        ("60-70 %", "several numbers", "several numbers"),
        ("good", "no number", "no number"),
    ],
)
def test_percent_by_stated_policy(text: str, percent: float | str, fraction: float | str) -> None:
    for policy, expected in (("percent", percent), ("fraction", fraction)):
        found = read_percent(text, policy)  # type: ignore[arg-type]
        assert (outcome(found) if isinstance(expected, str) else found) == expected


OPTIONS = ["CC(=O)O", "c1ccccc1", "C1CCCCC1"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2", 1),
        ("(2)", 1),
        ("#2", 1),
        ("No. 2", 1),
        ("2) benzene", 1),
        ("B. It has no acid", 1),
        ("b", 1),
        ("Option B", 1),
        ("Candidate 2 is the best because of its rate.", 1),
        ("I would go with option (b) here", 1),
        ("the third", 2),
        ("The answer is the third one.", 2),
        ("Third", 2),
        ("2nd", 1),
        ("the 2nd option has the better yield", 1),
        ("CC(=O)O", 0),
        ("OC(C)=O", 0),  # another spelling
        ("C1=CC=CC=C1", 1),
        ("c1ccccc1", 1),
        ("C1CCCCC1", 2),  # case tells benzene from cyclohexane
        ("I would choose c1ccccc1 as the solvent.", 1),
        ("Of these C1CCCCC1 is inert", 2),
    ],
)
def test_choices(text: str, place: int) -> None:
    assert read_choice(text, OPTIONS) == place


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "empty answer"),
        ("a good choice", "no choice"),
        ("none of them", "no choice"),
        ("2 of these would do", "no choice"),
        ("First, consider the rates.", "no choice"),
        ("toluene", "no choice"),
        ("Certainly not option B", "no choice"),
        ("CCN", "no choice"),  # a molecule that is not in the list
        ("1 and 2", "several choices"),
        ("A or B", "several choices"),
        ("option 1 or option 3", "several choices"),
        ("the first option or the second one", "several choices"),
        ("4", "out of range"),
        ("0", "out of range"),
        ("-1", "out of range"),
        ("Option Z", "out of range"),
        ("the tenth", "out of range"),
    ],
)
def test_choices_that_cannot_be_read(text: str, failure: str) -> None:
    assert outcome(read_choice(text, OPTIONS)) == failure


def test_names_are_options_too() -> None:
    names = ["oxidation", "alcohol oxidation", "C-C bond formation"]
    assert read_choice("Oxidation", names) == 0
    assert read_choice("This is an Alcohol oxidation by PCC.", names) == 1  # the longer name
    assert read_choice("It is a C-C bond formation", names) == 2
    assert outcome(read_choice("oxidation, then C-C bond formation", names)) == "several choices"


def test_the_number_of_the_first_option_is_stated() -> None:
    assert read_choice("0", OPTIONS, first=0) == 0
    assert outcome(read_choice("3", OPTIONS, first=0)) == "out of range"
    assert read_choice("B", OPTIONS, first=0) == 1
    assert read_choice("1", ["0", "1"]) == 1  # the text of an option goes first


def test_the_only_option_must_be_named_too() -> None:
    assert read_choice("1", ["CCO"]) == 0
    assert outcome(read_choice("yes", ["CCO"])) == "no choice"
    with pytest.raises(UsageError, match="no options"):
        read_choice("1", [])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The molecule is an acid.", "The molecule is an acid."),
        ("Description: The molecule is an acid.", "The molecule is an acid."),
        ('**Caption:** "It is an acid. It is weak."', "It is an acid. It is weak."),
        ("```\nIt is an acid.\n```", "It is an acid."),
        ("Note: it is an acid.", "Note: it is an acid."),  # no stock word
    ],
)
def test_sentences_stay_whole(text: str, left: str) -> None:
    assert read_text(text) == without_heading(text) == left


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_names_are_left_alone(phrasing: str) -> None:
    for name in ("2-methylpropan-2-ol", "benzene-1,2-diol", "acetic acid", "C6H12O6"):
        assert read_name(phrasing.format(name)) == name


def test_nothing_written_is_a_failure() -> None:
    assert outcome(read_text(" ``` ``` ")) == outcome(read_name("The name is .")) == "empty answer"


@pytest.mark.parametrize(
    "text", ["2-methylpropan-2-ol", "benzene-1,2-diol", "a carboxylic acid", "CC=O", "I=O", "N#N", "this-that"]
)
def test_answers_are_never_cut(text: str) -> None:
    assert bare(text) == (text, False)


def test_failures_are_counted_by_name() -> None:
    answers = [read_smiles(text) for text in ("CCO", "", "C1CC", "CC(", "hm", "OC")]
    assert count_outcomes(answers) == {"read": 2, "invalid SMILES": 2, "empty answer": 1, "no SMILES": 1}


def test_reasons_show_what_was_said_and_no_more_than_a_line() -> None:
    found = read_number("word " * 100)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("no number: word word")
    assert len(found.reason) < 90
    assert len(set(FAILURES)) == len(FAILURES)


@pytest.mark.parametrize(
    "again", ["C", "1", "*", "-", "(", "'", "1,234", "C1CC ", "63 - ", "```", "<answer>", "option 1 "]
)
def test_an_answer_that_repeats_itself_without_end_is_read_or_refused(again: str) -> None:
    text = again * (20_000 // len(again))
    found = [read_smiles(text), read_number(text), read_choice(text, ["CCO", "CCN"]), read_text(text), read_name(text)]
    assert isinstance(found[0], Unreadable)
    assert isinstance(found[1], Unreadable)
    assert {outcome(answer) for answer in found} <= {"read", *FAILURES}
