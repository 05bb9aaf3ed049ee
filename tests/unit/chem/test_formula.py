"""Formulas are counted: whole, in Hill's order, with charge, whatever the spelling."""

import pytest

from retort.chem.formula import molecular_formula
from retort.errors import ChemistryError


def test_formulas_by_hand() -> None:
    assert molecular_formula("CC(=O)Oc1ccccc1C(=O)O") == molecular_formula("OC(=O)c1ccccc1OC(C)=O") == "C9H8O4"
    assert molecular_formula("[Na+].[Cl-]") == "ClNa"
    assert molecular_formula("C[N+](C)(C)C") == "C4H12N+"
    assert molecular_formula("[2H]O[2H]") == "H2O"  # isotopes count as their element


def test_what_is_no_molecule_has_no_formula() -> None:
    with pytest.raises(ChemistryError, match="SMILES"):
        molecular_formula("aspirin")
