"""Canonical, randomised and rooted spellings of real molecules."""

import random

import pytest

from retort.chem.smiles import canonical_or_none, canonicalize, components, parse, randomize, rooted_spellings
from retort.errors import ChemistryError

PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"
IBUPROFEN_S = "CC(C)Cc1ccc([C@H](C)C(=O)O)cc1"
MOLECULES = [
    PARACETAMOL,
    IBUPROFEN_S,
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",  # caffeine
    "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@]34C)[C@@H]1CC[C@@H]2O",  # testosterone
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",  # penicillin G
    "C/C(=C\\CO)CC/C=C(\\C)CCC=C(C)C",
    "[O-][N+](=O)c1ccccc1B(O)O",
    "[2H]C([2H])([2H])S(C)=O",
    "[Na+].[Na+].[O-]C([O-])=O",
    "c1ccc([P](c2ccccc2)c2ccccc2)cc1->[Pd]",
]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("OCC", "CCO"),
        ("C1=CC=CC=C1", "c1ccccc1"),  # Kekule and aromatic
        ("[CH3:7][OH:3]", "CO"),  # maps
        ("[CH3:1][C@H:2]([NH2:3])[C:4](=[O:5])[OH:6]", "C[C@H](N)C(=O)O"),
        ("O.CC", "CC.O"),  # order of components
        ("[OH-].[Na+]", "[Na+].[OH-]"),
        ("C1.C1", "CC"),  # a ring closure across a dot is a bond
        ("C1CC1.C1.C1", "CC.C1CC1"),  # and the same number serves twice
        ("C%12.C%12", "CC"),
        ("[CH3:1][H:2]", "C"),  # a mapped explicit hydrogen
        (" CCO ", "CCO"),
        ("F/C=C/Cl", "Cl/C=C/F"),
        ("[C@H](Br)(Cl)F", "F[C@@H](Br)Cl"),
    ],
)
def test_one_molecule_has_one_spelling(left: str, right: str) -> None:
    assert canonicalize(left) == canonicalize(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("O.O", "O"),  # multiplicity
        ("[Na+].[Na+].[O-]C([O-])=O", "[Na+].[O-]C([O-])=O"),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("F/C=C/F", "F/C=C\\F"),
        ("C", "[2H]C"),
        ("[Na]", "[Na+]"),
        ("CC(=O)O", "CC(=O)[O-]"),  # charges are not neutralised
        ("O=C1C=CC=CN1", "Oc1ccccn1"),  # tautomers are not merged
    ],
)
def test_different_things_stay_different(left: str, right: str) -> None:
    assert canonicalize(left) != canonicalize(right)


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("F/C=C\\F", "FC=CF"),
        ("[13CH4]", "C"),
        ("[2H]C", "C"),
    ],
)
def test_stereo_and_isotopes_go_on_request(text: str, flat: str) -> None:
    assert canonicalize(text, stereo=False) == canonicalize(flat)


def test_a_map_makes_no_stereo_centre() -> None:
    # Two methyl groups differ by their maps alone: without maps the centre is none.
    assert canonicalize("[CH3:1][C@H:2]([OH:3])[CH3:4]") == canonicalize("CC(C)O")


def test_components_are_sorted_with_multiplicity() -> None:
    assert components("O.[Na+].CC.O.[Cl-]") == tuple(sorted(["O", "O", "CC", "[Na+]", "[Cl-]"]))


@pytest.mark.parametrize(
    "text", ["", "   ", "C1CC", "C(", "[Xx]", "C(C)(C)(C)(C)C", "CC.", "C..C", ".", "not SMILES", "C>>C"]
)
def test_unreadable_texts_are_errors_that_name_them(text: str) -> None:
    with pytest.raises(ChemistryError) as caught:
        canonicalize(text)
    assert repr(text.strip()) in caught.value.message or "empty" in caught.value.message
    assert caught.value.hint
    assert canonical_or_none(text) is None


@pytest.mark.parametrize("text", ["CC junk", "CCO\tethanol", "CC |f:0.1|", "C\nC"])
def test_what_follows_a_blank_is_not_ignored(text: str) -> None:
    with pytest.raises(ChemistryError, match="blank"):
        canonicalize(text)


@pytest.mark.parametrize("text", ["\ud800", "C\0C", "C\u0663", "Cé", "C\x01"])
def test_odd_characters_are_errors_not_crashes(text: str) -> None:
    with pytest.raises(ChemistryError):
        canonicalize(text)


@pytest.mark.parametrize("smiles", MOLECULES)
def test_canonical_spellings_are_fixed_points(smiles: str) -> None:
    for stereo in (True, False):
        once = canonicalize(smiles, stereo=stereo)
        assert canonicalize(once, stereo=stereo) == once


@pytest.mark.parametrize("smiles", MOLECULES)
def test_random_spellings_mean_the_same(smiles: str) -> None:
    rng = random.Random(0)
    spellings = {randomize(smiles, rng) for _ in range(20)}
    assert {canonicalize(s) for s in spellings} == {canonicalize(smiles)}
    assert len(spellings) > 1


def test_randomising_is_seeded() -> None:
    assert randomize(PARACETAMOL, random.Random(5)) == randomize(PARACETAMOL, random.Random(5))


@pytest.mark.parametrize("smiles", MOLECULES)
@pytest.mark.parametrize("count", [1, 5, 100])
def test_rooted_spellings(smiles: str, count: int) -> None:
    spellings = rooted_spellings(smiles, count)
    assert spellings[0] == canonicalize(smiles)
    assert len(set(spellings)) == len(spellings) <= count
    assert {canonicalize(s) for s in spellings} == {canonicalize(smiles)}


def test_rooted_spellings_use_all_roots_before_they_run_out() -> None:
    # Ethanol has three atoms; written from each there are CCO, C(C)O and OCC, all different.
    assert set(rooted_spellings("CCO", 10)) == {"CCO", "C(C)O", "OCC"}
    assert rooted_spellings("C", 10) == ["C"]


def test_rooted_spellings_depend_on_the_molecule_alone() -> None:
    assert rooted_spellings("c1cc(O)ccc1NC(C)=O", 8) == rooted_spellings(PARACETAMOL, 8)


def test_parsing_gives_a_sanitised_molecule() -> None:
    assert parse("C1=CC=CC=C1").GetAtomWithIdx(0).GetIsAromatic()


def test_an_endless_chain_is_an_error_not_a_crash() -> None:
    with pytest.raises(ChemistryError, match="has 30,000 characters"):
        canonicalize("C" * 30_000)
    assert canonicalize("C" * 300) == "C" * 300
    assert canonicalize(".".join(["O"] * 6_000)).count("O") == 6_000  # many short components are fine
