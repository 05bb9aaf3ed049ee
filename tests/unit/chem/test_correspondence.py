"""Alignment without maps: the spellings are those that true maps would give, and no atom is used twice."""

import pytest

from retort.chem.correspondence import UNPAIRED, Side, align, correspondence
from retort.chem.mapping import align_to_product, mapped_components
from retort.chem.smiles import canonicalize
from retort.errors import ChemistryError

MAPPED = [
    "Cl[C:2]([CH3:1])=[O:3].[NH2:4][CH2:5][CH2:6][OH:7]>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][CH2:6][OH:7]",
    "[CH3:1][CH2:2]Br.[OH:3][c:4]1[cH:5][cH:6][n:7][cH:8][cH:9]1>>[CH3:1][CH2:2][O:3][c:4]1[cH:5][cH:6][n:7][cH:8][cH:9]1",
    "C[O:4][C:2]([CH2:1][F:9])=[O:3]>>[OH:4][C:2]([CH2:1][F:9])=[O:3]",
]


@pytest.mark.parametrize("mapped", MAPPED)
def test_it_spells_what_true_maps_would_spell(mapped: str) -> None:
    reactants, products = (mapped_components(side) for side in mapped.split(">>"))
    expected = align_to_product(reactants, products, None)
    precursors, product = (canonicalize(side) for side in mapped.split(">>"))
    assert align(precursors, product).backward == expected


def test_both_directions_keep_the_molecules() -> None:
    precursors, product = "CC(=O)Cl.NCc1ccccc1", "CC(=O)NCc1ccccc1"
    aligned = align(precursors, product)
    assert [canonicalize(text) for text in aligned.backward] == [product, precursors]
    assert [canonicalize(text) for text in aligned.forward] == [precursors, product]
    assert aligned.backward[1] == "CC(=O)Cl.NCc1ccccc1"


def test_no_atom_has_two_partners() -> None:
    given, answer = Side.read("CCOC(=O)c1ccccc1"), Side.read("CCO.CCO.O=C(O)c1ccccc1")
    partners = [partner for partner in correspondence(given, answer) if partner != UNPAIRED]
    assert len(partners) == len(set(partners)) == 11


def test_a_molecule_without_partners_is_still_spelled() -> None:
    assert align("BrBr.C", "C").backward == ("C", "C.BrBr")


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ChemistryError):
        align("C1CC", "C")
