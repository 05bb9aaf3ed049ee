"""From query to question, and whether a query was trained on."""

from pathlib import Path

import numpy as np
import pytest

from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposal
from retort.inference.questions import (
    MAX_CHARACTERS,
    ask,
    has_stereo,
    is_seen,
    membership_key,
    plain,
    read_seen,
    remarks_on,
    write_seen,
)
from retort.prompting.task import TASKS

RETRO, FORWARD, REAGENTS = (TASKS.get(name) for name in ("retro", "forward", "reagents"))


def test_queries_become_canonical_role_by_role() -> None:
    assert ask(RETRO, " OCC ").given == "CCO"
    assert ask(FORWARD, "OCC.C").given == "C.CCO"
    assert ask(FORWARD, "OCC.C>N(C)C>").given == "C.CCO>CNC"
    assert ask(REAGENTS, "OCC.C>>C(O)C").given == "C.CCO>>CCO"


def test_words_stay_as_they_are_and_only_capitals_and_blanks_do_not_matter() -> None:
    names = TASKS.get("name_conversion")
    assert ask(names, "  (2R)-Butan-2-ol \n").given == "<text>(2R)-Butan-2-ol</text>"
    assert ask(names, "poly*mer").given == "<text>poly*mer</text>"  # no wildcard atom
    assert plain(ask(names, "a b  c")) == ask(names, "a b c")
    assert membership_key(names, "<text>ASPIRIN</text>") == membership_key(names, ask(names, "aspirin").given)
    assert membership_key(names, "<text>aspirin</text>") != membership_key(names, "<text>aspirine</text>")
    assert not has_stereo(ask(names, "4/5@home").given)
    with pytest.raises(ChemistryError, match="Unicode"):
        ask(names, "aspirin\udc80")


def test_a_formula_is_counted_and_words_that_might_be_smiles_are_told() -> None:
    names, naming = TASKS.get("name_conversion"), TASKS.get("molecule_naming")
    found = list(remarks_on(ask(names, "NBS"), [Proposal("O=C1CCC(=O)N1Br", -0.1, "p")]))
    assert found == [
        "Formula of the first answer: C4H4BrNO2 (counted, not predicted).",
        "The query can be read as SMILES too; it was read as words.",
    ]
    assert list(remarks_on(ask(naming, "OCC"), [Proposal("", -0.1, "p", text="ethanol")])) == [
        "Formula of the query: C2H6O (counted, not predicted)."
    ]
    assert list(remarks_on(ask(RETRO, "OCC"), [Proposal("CC", -0.1, "p")])) == []


def test_evaluation_files_may_write_reagents_behind_one_arrow() -> None:
    assert ask(FORWARD, "OCC>N(C)C") == ask(FORWARD, "OCC>N(C)C>")


def test_atom_maps_of_a_query_never_reach_the_prompt() -> None:
    assert ask(RETRO, "[CH3:7][OH:2]").given == "CO"


def test_the_class_is_kept_only_where_the_task_can_use_it() -> None:
    assert ask(RETRO, "CCO", 4).reaction_class == 4
    assert ask(FORWARD, "CCO", 4).reaction_class is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("C1CC", "cannot read"),
        ("CC(C)(C)(C)C", "cannot read"),
        ("ethanol", "cannot read"),
        ("*CC", "wildcard"),
        ("C" * (MAX_CHARACTERS + 1), "characters"),
        ("CCO>>", "lacks"),
        ("A>>B>>C", "is not a reaction"),
    ],
)
def test_a_bad_query_is_refused_with_its_reason(query: str, words: str) -> None:
    with pytest.raises(ChemistryError, match=words):
        ask(RETRO, query)


def test_molecules_are_no_reaction() -> None:
    with pytest.raises(ChemistryError, match="is not a reaction"):
        ask(REAGENTS, "CCO")


@pytest.mark.parametrize(("text", "expected"), [("C[C@H](N)O", True), ("F/C=C/F", True), ("CC=CC", False)])
def test_stereo_is_seen(text: str, expected: bool) -> None:
    assert has_stereo(text) is expected


def test_membership_ignores_spelling_stereo_order_and_the_border_of_reagents() -> None:
    assert membership_key(RETRO, "C[C@H](N)C(=O)O") == membership_key(RETRO, "OC(=O)C(C)N")
    assert membership_key(FORWARD, "CC.O>N") == membership_key(FORWARD, "N.CC.O")
    assert membership_key(REAGENTS, "CC.O>>N") == membership_key(REAGENTS, "O.CC>>N")


def test_membership_tells_tasks_molecules_and_sides_apart() -> None:
    keys = {
        membership_key(RETRO, "CC"),
        membership_key(FORWARD, "CC"),
        membership_key(RETRO, "CCC"),
        membership_key(RETRO, "CC.CC"),
        membership_key(REAGENTS, "CC>>O"),
        membership_key(REAGENTS, "O>>CC"),
    }
    assert len(keys) == 6


def test_the_key_of_a_row_never_changes() -> None:
    """Keys are stored in released models: the value is that of `printf '<retrosynthesis>CCO' | b2sum -l 32`."""
    assert membership_key(RETRO, "OCC") == 0x87C5F5F2


def test_keys_are_written_sorted_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "seen" / "x.npy"
    keys = [membership_key(RETRO, "C" * n) for n in range(1, 40)]
    assert write_seen(path, [*keys, *keys]) == 39
    stored = read_seen(path)
    assert stored.dtype == np.uint32
    assert all(is_seen(stored, key) for key in keys)
    assert not is_seen(stored, membership_key(RETRO, "O"))
    assert not is_seen(stored, int(stored[-1]) + 1)


def test_no_training_row_at_all_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    assert write_seen(path, []) == 0
    assert not is_seen(read_seen(path), 5)


def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"nonsense")
    np.save(tmp_path / "b.npy", np.zeros(3))
    for name in ("a.npy", "b.npy", "c.npy"):
        with pytest.raises(ModelError, match=name):
            read_seen(tmp_path / name)
