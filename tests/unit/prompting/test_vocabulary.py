"""One closed set of tokens: nothing is unknown, nothing is lost, the letter C is never the atom C."""

import json
from pathlib import Path

import pytest

from retort.errors import ChemistryError, ModelError
from retort.prompting.vocabulary import ALPHABET, BYTES, EOS, PAD, SPECIAL, TASK_TOKENS, Vocabulary

VOCABULARY = Vocabulary.build(["[C@@H](N)C"] * 3 + ["[nH]1cccc1"] * 5 + ["[Pd]"], min_count=3)


def test_frequent_bracket_atoms_follow_by_falling_count() -> None:
    learned = [token for token in VOCABULARY.tokens if token.startswith("[")]
    assert learned == ["[nH]", "[C@@H]"]
    assert "[Pd]" not in VOCABULARY.ids


def test_ids_are_places_and_sizes_fit_matrices() -> None:
    assert len(VOCABULARY) % 64 == 0
    assert len(set(VOCABULARY.tokens)) == len(VOCABULARY)
    assert (VOCABULARY.tokens[VOCABULARY.pad_id], VOCABULARY.tokens[VOCABULARY.eos_id]) == (PAD, EOS)
    assert [VOCABULARY.ids[token] for token in VOCABULARY.tokens] == list(range(len(VOCABULARY)))


def test_fixed_tokens_have_fixed_places() -> None:
    """Weights of an older vocabulary stay valid: what is fixed does not depend on the data."""
    other = Vocabulary.build([])
    fixed = len(SPECIAL) + len(BYTES) + len(ALPHABET)
    assert other.tokens[:fixed] == VOCABULARY.tokens[:fixed]


def test_equal_counts_are_ordered_by_name() -> None:
    assert Vocabulary.build(["[Na+][K+]"] * 3) == Vocabulary.build(["[K+][Na+]"] * 3)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("<retrosynthesis>CCl", ["<retrosynthesis>", "C", "Cl"]),
        ("<retrosynthesis><class_10><type_3>C", ["<retrosynthesis>", "<class_10>", "<type_3>", "C"]),
        ("<forward_prediction>C>O", ["<forward_prediction>", "C", ">", "O"]),
        ("N->[Pd]", ["N", "->", "<0x5B>", "<0x50>", "<0x64>", "<0x5D>"]),
        ("<text>C</text>C", ["<text>", "<0x43>", "</text>", "C"]),
        ("<text>é", ["<text>", "<0xC3>", "<0xA9>"]),
        ("<text><pad></text>", ["<text>", *(f"<0x{b:02X}>" for b in b"<pad>"), "</text>"]),
        ("<text><class_1></text>", ["<text>", *(f"<0x{b:02X}>" for b in b"<class_1>"), "</text>"]),
        ("C<extra_id_12>C", ["C", "<extra_id_12>", "C"]),
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert VOCABULARY.tokenize(text) == tokens


@pytest.mark.parametrize(
    "text",
    [
        "<retrosynthesis><class_3>C[C@@H](N)C(=O)O.[Pd].[Na+]~[OH-]",
        "[Pd][Pd]Cl",
        "<text>2-chloro-naïve — 100 %\nβ</text>CC<text></text>",
        "<text>a literal <0x41>, </s>, <pad> and <text> inside</text>",
        "C%(123)C%12",
    ],
)
def test_round_trips(text: str) -> None:
    ids = VOCABULARY.encode(text)
    assert ids[-1] == VOCABULARY.eos_id
    assert VOCABULARY.decode(ids) == text


def test_decoding_stops_at_the_end_and_drops_padding() -> None:
    c, o = VOCABULARY.ids["C"], VOCABULARY.ids["O"]
    assert VOCABULARY.decode([0, c, o, 0, 1, c]) == "CO"
    assert VOCABULARY.decode([]) == ""


def test_damaged_bytes_are_visible() -> None:
    assert Vocabulary.join(["<0xC3>", "C"]) == "\ufffdC"


@pytest.mark.parametrize("text", ["ethanol", "<pad>", "C</s>C", "<unk>", "<0x41>", "<no_such_task>C", "C C", "é"])
def test_bare_text_that_is_not_smiles_is_refused(text: str) -> None:
    with pytest.raises(ChemistryError, match="is not SMILES"):
        VOCABULARY.encode(text)


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ChemistryError, match="Unicode"):
        VOCABULARY.encode("<text>\ud800</text>")


def test_a_vocabulary_without_a_needed_token_says_so() -> None:
    small = Vocabulary((PAD, EOS, "C"))
    with pytest.raises(ModelError, match="no token <class_2>"):
        small.encode("<class_2>C")


def test_files_round_trip(tmp_path: Path) -> None:
    VOCABULARY.save(tmp_path / "vocabulary.json")
    loaded = Vocabulary.load(tmp_path / "vocabulary.json")
    assert loaded == VOCABULARY
    assert loaded.sha256 == VOCABULARY.sha256
    assert Vocabulary.build(["[Pd]"] * 3).sha256 != VOCABULARY.sha256


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"tokens": 3}', '{"tokens": ["a", "b"]}', json.dumps({"tokens": [PAD, EOS, "C", "C"]})],
)
def test_damaged_files_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"vocabulary\.json"):
        Vocabulary.load(path)
    with pytest.raises(ModelError, match=r"absent\.json"):
        Vocabulary.load(tmp_path / "absent.json")


def test_every_design_task_has_its_token() -> None:
    assert len(TASK_TOKENS) == 15
    assert set(TASK_TOKENS) <= VOCABULARY.ids.keys()


def test_a_later_task_takes_a_spare_place_and_moves_no_other_token() -> None:
    assert VOCABULARY.ids["<template_classification>"] == VOCABULARY.ids["<extra_id_0>"] - 1
    assert VOCABULARY.ids["<molecule_naming>"] == VOCABULARY.ids["<extra_id_0>"] - 4
    assert VOCABULARY.ids["<class_1>"] == VOCABULARY.ids["<text_to_molecule>"] + 1
    assert VOCABULARY.ids["<extra_id_0>"] == VOCABULARY.ids["<reserved_0>"] + 32
