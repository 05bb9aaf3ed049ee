"""Scaffolds: rings and what joins them, whatever hangs on them and however they are spelled."""

import pytest

from retort.chem.scaffold import murcko_scaffold
from retort.errors import ChemistryError


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("Cc1ccccc1", "c1ccccc1"),
        ("O=C(NCc1ccccc1)C1CCNC1", "O=C(NCc1ccccc1)C1CCNC1"),
        ("CCOC(=O)c1ccc(CCN2CCOCC2)cc1Cl", "c1ccc(CCN2CCOCC2)cc1"),
        ("CCO", ""),
        ("CC(=O)O.Cc1ccncc1", "c1ccncc1"),
        ("C1CC1.Cc1ccccc1", "C1CC1.c1ccccc1"),
    ],
)
def test_scaffolds(smiles: str, scaffold: str) -> None:
    assert murcko_scaffold(smiles) == scaffold


def test_stereo_and_spelling_do_not_matter() -> None:
    spellings = ["C[C@H]1CC[C@@H](O)CC1", "OC1CCC(C)CC1", "C1CC(C)CCC1[18OH]"]
    assert {murcko_scaffold(text) for text in spellings} == {"C1CCCCC1"}


def test_what_is_no_molecule_is_refused() -> None:
    with pytest.raises(ChemistryError, match="C1CC"):
        murcko_scaffold("C1CC")
