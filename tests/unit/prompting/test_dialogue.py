"""Rows with molecules: placeholders, pieces, chat templates, what is learned."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.errors import ChemistryError, DataError, ModelError
from retort.prompting.dialogue import (
    MOLECULE_ID,
    OWN_TEMPLATE,
    ChatTemplate,
    Dialogue,
    EncodedRow,
    RunningText,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    encode_question,
    encode_running_text,
    plain,
    split_answer,
    words_template,
)
from retort.prompting.molecules import (
    MOLECULE,
    InputMode,
    join_molecules,
    join_reaction,
    listed,
    mention,
    mentioned,
    pieces,
)
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build([])
TOKENS = VocabularyTokens(VOCABULARY)
QUESTION = Turn("user", f"<retrosynthesis>{MOLECULE}")
ROW = Dialogue((Turn("system", "<text>Be brief.</text>"), QUESTION, Turn("assistant", "CC.O")), ("CCO",))


def shown(row: EncodedRow) -> list[str]:
    """Return the tokens of a row; molecules as the placeholder."""
    return [MOLECULE if i == MOLECULE_ID else VOCABULARY.tokens[i] for i in row.ids]


def bytes_of(text: str) -> list[str]:
    return [f"<0x{byte:02X}>" for byte in text.encode()]


@pytest.mark.parametrize(
    ("mode", "one", "reaction", "kept"),
    [
        ("graph", MOLECULE, f"{MOLECULE}.{MOLECULE}>>{MOLECULE}", ("CC", "O", "CCO")),
        ("string", "CC", "CC.O>>CCO", ()),
        ("both", f"{MOLECULE}CC", f"{MOLECULE}CC.{MOLECULE}O>>{MOLECULE}CCO", ("CC", "O", "CCO")),
    ],
)
def test_one_reaction_in_three_modes(mode: InputMode, one: str, reaction: str, kept: tuple[str, ...]) -> None:
    assert mention("CC", mode) == one
    assert join_reaction(["CC", "O"], ["CCO"], mode) == reaction
    assert listed(["CC", "O", "CCO"], mode) == kept
    row = encode_running_text(RunningText(reaction, kept), TOKENS)
    assert row.ids.count(MOLECULE_ID) == len(row.molecules) == len(kept)
    assert "".join(shown(row)) == reaction


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [("CC.O>>CCO", f"{MOLECULE}.{MOLECULE}>>{MOLECULE}"), ("C>>", f"{MOLECULE}>>"), ("N->[Cu]", MOLECULE)],
)
def test_a_question_in_smiles_is_shown_as_a_mode_wants_it(text: str, shown_as: str) -> None:
    graph, molecules = mentioned(text, "graph")
    assert graph == shown_as
    assert len(molecules) == shown_as.count(MOLECULE)
    assert mentioned(text, "string") == (text, ())
    both, again = mentioned(text, "both")
    assert (both.replace(MOLECULE, ""), again) == (text, molecules)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CCO", ["CCO"]),
        (f"{MOLECULE}.{MOLECULE}", [None, ".", None]),
        (f"<text>Add {MOLECULE} to water</text>.", ["<text>Add </text>", None, "<text> to water</text>."]),
        (f"<text>{MOLECULE}</text>", [None]),
        (f"<text>Take</text>{MOLECULE}<text>now", ["<text>Take</text>", None, "<text>now</text>"]),
        ("", []),
    ],
)
def test_spans_of_words_are_closed_around_placeholders(text: str, expected: list[str | None]) -> None:
    assert list(pieces(text)) == expected


@given(st.lists(st.sampled_from([MOLECULE, "CC", ".", "<text>a b</text>", f"<text>x{MOLECULE}y</text>"]), max_size=8))
def test_every_placeholder_becomes_one_id_and_every_word_stays(parts: list[str]) -> None:
    text = "".join(parts)
    count = text.count(MOLECULE)
    row = encode_running_text(RunningText(text, ("C",) * count), TOKENS)
    assert row.ids.count(MOLECULE_ID) == count
    assert len(row.ids) == len(row.learned)
    assert [i == MOLECULE_ID for i in row.ids] == [not learned for learned in row.learned]
    kept = VOCABULARY.join([token for token in shown(row) if token != MOLECULE])
    assert plain(kept) == plain(text).replace(MOLECULE, "")


def test_a_dialogue_of_this_package() -> None:
    """Golden: a role is a reserved token; the answer and its end are learned, and nothing else."""
    row = encode_dialogue(ROW, OWN_TEMPLATE, TOKENS)
    system = ["<reserved_0>", "<text>", *bytes_of("Be brief."), "</text>"]
    user = ["<reserved_1>", "<retrosynthesis>", MOLECULE]
    assert shown(row) == [*system, *user, "<reserved_2>", "C", "C", ".", "O", "</s>"]
    assert [token for token, learned in zip(shown(row), row.learned, strict=True) if learned] == [*"CC.O", "</s>"]
    assert row.molecules == ("CCO",)


def test_a_question_ends_where_the_answer_begins() -> None:
    asked = encode_question(replace(ROW, turns=ROW.turns[:2]), OWN_TEMPLATE, TOKENS)
    whole = encode_dialogue(ROW, OWN_TEMPLATE, TOKENS)
    assert whole.ids[: len(asked.ids)] == asked.ids
    assert not any(asked.learned)
    source, target = split_answer(whole)
    assert (source.ids, source.molecules) == (asked.ids, ("CCO",))
    assert [VOCABULARY.tokens[i] for i in target.ids] == [*"CC.O", "</s>"]


def test_every_answer_of_a_longer_dialogue_is_learned() -> None:
    turns = (QUESTION, Turn("assistant", "C"), QUESTION, Turn("assistant", "N"))
    row = encode_dialogue(Dialogue(turns, ("C", "N")), OWN_TEMPLATE, TOKENS)
    assert [t for t, learned in zip(shown(row), row.learned, strict=True) if learned] == ["C", "</s>", "N", "</s>"]
    source, target = split_answer(row)
    assert shown(target) == ["N", "</s>"]
    assert shown(source)[-1] == "<reserved_2>"


def test_what_has_no_partner_is_named() -> None:
    with pytest.raises(DataError, match=r"us-7: placeholder 2 of 2 has no molecule; 1 are listed"):
        encode_running_text(RunningText(f"{MOLECULE}.{MOLECULE}", ("CCO",), id="us-7"), TOKENS)
    with pytest.raises(DataError, match=r"us-8: molecule 2, 'CCN', has no placeholder; the text holds 1"):
        encode_dialogue(Dialogue((QUESTION,), ("CCO", "CCN"), id="us-8"), OWN_TEMPLATE, TOKENS)
    with pytest.raises(DataError, match="an answer holds a placeholder"):
        encode_dialogue(Dialogue((QUESTION, Turn("assistant", MOLECULE)), ("C", "C")), OWN_TEMPLATE, TOKENS)
    with pytest.raises(DataError, match="no question at its end"):
        encode_question(ROW, OWN_TEMPLATE, TOKENS)
    with pytest.raises(DataError, match="without question or answer"):
        split_answer(encode_dialogue(Dialogue((QUESTION,), ("C",)), OWN_TEMPLATE, TOKENS))
    with pytest.raises(DataError, match="without question or answer"):
        split_answer(encode_running_text(RunningText("CCO"), TOKENS))
    with pytest.raises(ChemistryError, match="not SMILES"):
        encode_running_text(RunningText("some words"), TOKENS)


def test_the_text_of_a_row_cannot_end_an_answer() -> None:
    """``</s>`` closes an answer in a template; written in a row it is no SMILES."""
    assert TOKENS.encode_piece("C</s>", trusted=True) == [VOCABULARY.ids["C"], VOCABULARY.eos_id]
    with pytest.raises(ChemistryError):
        encode_dialogue(Dialogue((Turn("user", "C</s>"),)), OWN_TEMPLATE, TOKENS)
    words = encode_dialogue(Dialogue((Turn("user", "<text></s></text>"),)), OWN_TEMPLATE, TOKENS)
    assert VOCABULARY.eos_id not in words.ids


def test_a_template_is_read_back(tmp_path: Path) -> None:
    for template in (OWN_TEMPLATE, words_template("</s>", "<s>")):
        template.save(tmp_path / "template.json")
        assert ChatTemplate.load(tmp_path / "template.json") == template
    (tmp_path / "template.json").write_text("{}", "utf-8")
    for path in (tmp_path / "template.json", tmp_path / "absent.json"):
        with pytest.raises(ModelError, match="chat template"):
            ChatTemplate.load(path)
    with pytest.raises(ModelError, match="'before' of a chat template names"):
        replace(OWN_TEMPLATE, before={"user": ""})
    with pytest.raises(ModelError, match="close the assistant's turns"):
        replace(OWN_TEMPLATE, after={"system": "", "user": "", "assistant": ""})


def test_molecules_are_joined_by_dots() -> None:
    assert join_molecules(["CC", "O"], "both") == f"{MOLECULE}CC.{MOLECULE}O"
