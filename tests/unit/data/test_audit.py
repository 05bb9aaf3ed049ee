"""Comparing collections: what is found where, what is a benchmark's own, and what cannot be asked."""

import numpy as np
import pytest

from retort.chem.reaction import Reaction
from retort.data.audit import CATEGORIES, SIMILARITY, Collection, applies, compare
from retort.data.audit_columns import Rows, columns, concatenate, key_hash
from retort.data.audit_keys import (
    BACKWARD,
    FORWARD,
    Asked,
    AskedRecord,
    AuditRow,
    RowKeys,
    direction_of,
    keys_of_row,
)
from retort.data.audit_rows import collect
from retort.data.records import MoleculeRow, RawRow, Record, TextRow

AMIDE = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"
ESTER = "CC(=O)Cl.OCc1ccccc1>>CC(=O)OCc1ccccc1"


def block(source: str, *reactions: str, published: bool = False) -> Rows:
    rows: list[AuditRow] = [RawRow(f"{source}:{i}", "all", text) for i, text in enumerate(reactions)]
    return columns(rows, source, published, ())[0]


def counts(first: Collection, second: Collection, category: str) -> tuple[int, int, tuple[str, ...]]:
    finding = compare(first, second)[category]
    assert finding is not None
    return finding.rows, finding.within_split, finding.examples


def test_overlap_within_a_published_split_is_told_apart() -> None:
    first = Collection("train", (block("bench", AMIDE, published=True), block("patents", ESTER)), {})
    second = Collection("test", (block("bench", AMIDE, ESTER, published=True), block("patents", ESTER)), {})
    assert counts(first, second, "same_product") == (3, 1, ("bench:1", "patents:0"))
    alone = Collection("train", (block("bench", AMIDE, published=True),), {})
    assert counts(alone, second, "same_product") == (1, 1, ("bench:0",))


def test_a_row_that_is_in_its_own_split_and_elsewhere_leaks() -> None:
    first = Collection("train", (block("bench", AMIDE, published=True), block("patents", AMIDE)), {})
    second = Collection("test", (block("bench", AMIDE, published=True),), {})
    assert counts(first, second, "same_reaction") == (1, 0, ("bench:0",))


def test_a_row_counts_once_however_often_it_occurs() -> None:
    first = Collection("train", (block("a", *[AMIDE] * 5), block("b", *[AMIDE] * 5)), {})
    second = Collection("test", (block("c", AMIDE, AMIDE),), {})
    assert counts(first, second, "same_reaction")[0] == 2


def test_the_same_product_elsewhere_is_no_near_duplicate() -> None:
    long, longer = ("C" * n + "Oc1ccc(-c2ccccc2)cc1" for n in (10, 11))
    near = f"CBr.{long}>>{long}"
    first = Collection("train", (block("a", near),), {})
    second = Collection("test", (block("c", f"CBr.{longer}>>{longer}"),), {})
    assert counts(first, second, "near_duplicate")[0] == 1
    both = Collection("train", (block("a", near), block("b", f"CI.{longer}>>{longer}")), {})
    assert counts(both, second, "near_duplicate")[0] == 0


def test_another_scaffold_is_no_near_duplicate() -> None:
    chain = "C" * 14
    first = Collection("train", (block("a", f"C>>{chain}c1ccccc1"),), {})
    second = Collection("test", (block("b", f"C>>{chain}C1CCCCC1"), block("c", f"C>>{chain}Cc1ccccc1")), {})
    assert counts(first, second, "near_duplicate") == (1, 0, ("c:0",))


def test_near_duplicates_are_those_of_a_plain_comparison() -> None:
    """Against every pair, one by one: leaving out what cannot be similar changes nothing."""
    tails = ("Oc1ccccc1", "Nc1ccccc1", "C(=O)Oc1ccccc1", "O")
    odd, even = ([f"{'C' * n}{tail}" for n in range(start, 16, 2) for tail in tails] for start in (1, 2))
    left, right = block("a", *(f"C>>{p}" for p in odd)), block("b", *(f"C>>{p}" for p in even))
    expected = []
    for product in even:
        i = right.mains.tolist().index(key_hash(product_key(product)))
        similar = False
        for j in range(len(left.mains)):
            common = int(np.bitwise_count(left.fingerprints[j] & right.fingerprints[i]).sum())
            union = int(np.bitwise_count(left.fingerprints[j] | right.fingerprints[i]).sum())
            similar |= bool(left.scaffolds[j] == right.scaffolds[i]) and common >= SIMILARITY * union
        expected.append(similar)
    assert CATEGORIES["near_duplicate"](left, right).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def product_key(smiles: str) -> str:
    keys = keys_of_row(RawRow("1", "all", f"C>>{smiles}"))
    assert isinstance(keys, RowKeys)
    return keys.products[-1]


def test_blocks_in_pieces_are_the_same_as_in_one() -> None:
    reactions = [AMIDE, ESTER, "CCO>>CC=O", AMIDE]
    whole = block("a", *reactions)
    pieces = concatenate([block("a", *reactions[:1]), block("a", *reactions[1:3]), block("a", *reactions[3:])])
    for name in ("main", "mains", "scaffolds", "fingerprints", "mixed", "direction"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name)), name
    for name in ("products", "reactants", "parts", "reactions"):
        assert np.array_equal(getattr(whole, name).values, getattr(pieces, name).values), name
        assert np.array_equal(getattr(whole, name).rows, getattr(pieces, name).rows), name


def test_what_there_is_nothing_of_does_not_apply() -> None:
    reactions = Collection("a", (block("a", AMIDE),), {})
    molecules = collect("b", [("", MoleculeRow("1", "all", "CCO"))])
    asked = collect("c", [("", Asked("1", "forward_prediction", "CCO", "CC=O"))])
    empty = collect("d", [])
    assert [name for name in CATEGORIES if not applies(name, reactions, reactions)] == [
        "reversed_task",
        "same_molecule",
    ]
    assert [name for name in CATEGORIES if applies(name, reactions, molecules)] == ["same_molecule"]
    assert applies("reversed_task", asked, asked)
    assert set(compare(reactions, empty).values()) == {None}


@pytest.mark.parametrize(
    ("task", "direction"),
    [("forward_prediction", FORWARD), ("retrosynthesis", BACKWARD), ("reagent_prediction", 0), ("text_to_molecule", 0)],
)
def test_tasks_have_directions(task: str, direction: int) -> None:
    assert direction_of(task) == direction


def test_every_task_leads_back_to_its_reaction() -> None:
    record = Record("1", "s", "test", Reaction(("CC(=O)Cl", "CN"), ("CCN(CC)CC",), ("CNC(C)=O",)))
    whole = keys_of_row(AskedRecord(record, ("forward_prediction",)))
    assert isinstance(whole, RowKeys)
    questions = [
        Asked("1", "forward_prediction", "<forward_prediction>CN.ClC(C)=O>CCN(CC)CC", "O=C(C)NC"),
        Asked("1", "retrosynthesis", "<retrosynthesis><class_2>CNC(C)=O", "NC.CC(=O)Cl"),
        Asked("1", "reagent_prediction", "NC.CC(=O)Cl>>CNC(C)=O", "CCN(CC)CC"),
        TextRow("1", "all", "retrosynthesis", "CNC(C)=O", "NC.CC(=O)Cl"),
    ]
    for question in questions:
        keys = keys_of_row(question)
        assert isinstance(keys, RowKeys)
        assert (keys.products, keys.reactants, keys.mixed) == (whole.products, whole.reactants, False)
    mixed = keys_of_row(Asked("1", "forward_prediction", "CN.ClC(C)=O.CCN(CC)CC", "O=C(C)NC"))
    assert isinstance(mixed, RowKeys)
    assert mixed.mixed
    assert set(mixed.reactants) > set(whole.reactants)


def test_a_record_of_a_single_molecule_is_a_molecule() -> None:
    keys = keys_of_row(AskedRecord(Record("1", "s", "train", Reaction((), (), ("CCO",))), ()))
    assert isinstance(keys, RowKeys)
    assert (keys.molecules, keys.products) == (("CCO",), ())


@pytest.mark.parametrize(
    "question",
    [
        Asked("1", "name_conversion", "<name_conversion><text>salt of the patent</text>", "[Na+].[O-]C(=O)CCC"),
        Asked("1", "molecule_captioning", "[Na+].[O-]C(=O)CCC", "<text>The molecule is a salt.</text>"),
    ],
)
def test_a_question_about_a_molecule_is_about_that_molecule(question: Asked) -> None:
    keys = keys_of_row(question)
    assert isinstance(keys, RowKeys)
    assert keys.molecules == ("CCCC(=O)[O-].[Na+]", "CCCC(=O)[O-]")
    assert (keys.products, keys.direction) == ((), 0)


def test_selfies_are_not_taken_for_smiles() -> None:
    """``[C][C][O]`` reads as SMILES too, of something else."""
    assert keys_of_row(TextRow("1", "all", "", "[C][C][O]", "")) == "text without a molecule"


def test_a_scaffold_that_cannot_be_read_again_is_one_all_the_same() -> None:
    """The ring of ferrocene is an anion; cut out, RDKit cannot read what it wrote."""
    made = block("a", "C>>C[c-]1cccc1")
    assert len(made) == len(made.scaffolds) == 1
    assert made.scaffolds[0] not in (key_hash(""), 0)
