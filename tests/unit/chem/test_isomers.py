"""Isomers told apart on pairs judged by hand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.chem.isomers import RELATIONS, relation
from retort.chem.smiles import randomize
from retort.errors import ChemistryError

PAIRS = [
    ("C[C@H](N)C(=O)O", "N[C@@H](C)C(=O)O", "same"),
    ("CC(N)C(=O)O", "C[C@H](N)C(=O)O", "stereo_left_out"),
    ("CC=CC", r"C/C=C\C", "stereo_left_out"),
    ("C[C@H](O)C(C)N", "C[C@H](O)[C@@H](C)N", "stereo_left_out"),  # one of two centres
    ("C[C@H](N)C(=O)O", "CC(N)C(=O)O", "stereo_added"),
    ("[2H]C", "C", "stereo_added"),
    ("C[C@@H](N)C(=O)O", "C[C@H](N)C(=O)O", "other_stereoisomer"),
    ("C/C=C/C", r"C/C=C\C", "other_stereoisomer"),
    ("C[C@@H](O)C(C)N", "C[C@H](O)[C@@H](C)N", "other_stereoisomer"),  # one left out, the other contradicts
    ("O[C@H]1CC[C@@H](O)CC1", "O[C@H]1CC[C@H](O)CC1", "other_stereoisomer"),
    ("Cc1ccc(Br)cc1", "Cc1ccccc1Br", "regioisomer"),  # para for ortho
    ("CC(Br)C", "CCCBr", "regioisomer"),  # Markovnikov or not
    ("COCC(C)O", "CC(CO)OC", "regioisomer"),  # an epoxide opened from either end
    ("Cn1ccc(C(F)(F)F)n1", "Cn1nccc1C(F)(F)F", "regioisomer"),  # either nitrogen of a pyrazole
    ("C[n+]1cccc(C)c1", "C[n+]1ccc(C)cc1", "regioisomer"),
    ("Cc1cc(Cl)nc(NC)n1", "Cc1cc(NC)nc(Cl)n1", "regioisomer"),  # either chlorine of a dichloropyrimidine is left
    ("CC(=O)Nc1ccc(O)cc1", "CC(=O)Oc1ccc(N)cc1", "other_site"),  # N or O acetylated
    ("Cn1ccccc1=O", "COc1ccccn1", "other_site"),  # 2-pyridone at N or O
    ("BrCc1ccccc1", "Cc1ccccc1Br", "other_site"),  # benzylic or aromatic
    ("Cn1ccc2ccccc21", "Cc1c[nH]c2ccccc12", "other_site"),  # indole at N1 or C3
    ("C1CCC1", "CC=CC", "other_isomer"),
    ("CCOC(C)=O", "OC1CCCO1", "other_isomer"),
    ("CCO.CN", "CCN.CO", "other_isomer"),  # mixtures are not looked into
    ("CCCC", "C1CCC1", "other"),  # two hydrogens apart
    ("CCO", "CCO.O", "other"),
]


@pytest.mark.parametrize(("answer", "target", "expected"), PAIRS)
def test_pairs_by_hand(answer: str, target: str, expected: str) -> None:
    assert relation(answer, target) == expected


def test_the_pairs_have_every_relation() -> None:
    assert {expected for _, _, expected in PAIRS} == set(RELATIONS)


@given(st.sampled_from(PAIRS), st.integers(0, 2**32 - 1))
def test_spelling_does_not_matter_and_the_other_way_round_is_the_opposite(
    pair: tuple[str, str, str], seed: int
) -> None:
    rng = random.Random(seed)
    answer, target, expected = pair
    opposite = {"stereo_left_out": "stereo_added", "stereo_added": "stereo_left_out"}
    assert relation(randomize(answer, rng), randomize(target, rng)) == expected
    assert relation(randomize(target, rng), randomize(answer, rng)) == opposite.get(expected, expected)


@pytest.mark.parametrize(
    "isomers",
    [
        ("F[B-](F)(F)CCC", "F[B-](F)(F)C(C)C"),
        ("C[Si](C)(Cl)CC", "C[Si](C)(CCl)C"),
        ("CC[N+](C)(C)CCO", "C[N+](C)(C)CCCO"),
        ("CS(=O)(=O)c1ccc[nH]1", "CS(=O)(=O)n1cccc1"),
        ("*CCO", "*C(C)O"),
        ("[CH2]CC", "C[CH]C"),
    ],
)
def test_charges_and_rare_elements_are_cut_too(isomers: tuple[str, str]) -> None:
    assert relation(*isomers) in {"regioisomer", "other_site", "other_isomer"}


@pytest.mark.parametrize("pair", [("", "C"), ("C", ""), ("C1CC", "C")])
def test_what_cannot_be_read_is_an_error(pair: tuple[str, str]) -> None:
    with pytest.raises(ChemistryError):
        relation(*pair)


def test_long_chains_are_looked_into_once() -> None:
    glycines = "NCC(=O)" * 40
    moved, exchanged = f"C{glycines}O", f"{glycines}OC"
    assert relation(moved, exchanged) == "other_site"  # methyl on N or O: one cut
    assert relation(f"FC{glycines}NCl", f"ClC{glycines}NF") == "other_isomer"  # would take two
