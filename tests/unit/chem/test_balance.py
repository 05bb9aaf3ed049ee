"""Atoms come from somewhere."""

import pytest

from retort.chem.balance import missing_atoms
from retort.errors import ChemistryError


@pytest.mark.parametrize(
    ("reactants", "product", "missing"),
    [
        ("CC(=O)O.NCc1ccccc1", "CC(=O)NCc1ccccc1", {}),
        ("NCc1ccccc1", "CC(=O)NCc1ccccc1", {"C": 2, "O": 1}),
        ("Cc1ccccc1", "Cc1ccc(Br)cc1", {"Br": 1}),
        ("CO", "C[OH2+]", {}),
        ("CO", "[2H]C([2H])([2H])O", {}),
        ("C.C", "CCC", {"C": 1}),
    ],
)
def test_missing_heavy_atoms_are_counted(reactants: str, product: str, missing: dict[str, int]) -> None:
    assert missing_atoms(reactants, product) == missing


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ChemistryError):
        missing_atoms("C1CC", "C")
