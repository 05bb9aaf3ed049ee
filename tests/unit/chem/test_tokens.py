"""Atom-level tokens by hand."""

import pytest

from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("CCO", ["C", "C", "O"]),
        ("ClCBr", ["Cl", "C", "Br"]),
        ("C[C@@H](N)O", ["C", "[C@@H]", "(", "N", ")", "O"]),
        ("[13CH3:1][O-]", ["[13CH3:1]", "[O-]"]),
        ("c1ccccc1", ["c", "1", "c", "c", "c", "c", "c", "1"]),
        ("C%12CC%12", ["C", "%12", "C", "C", "%12"]),
        ("C%(123)C", ["C", "%(123)", "C"]),
        ("C1%10", ["C", "1", "%10"]),
        ("F/C=C\\F", ["F", "/", "C", "=", "C", "\\", "F"]),
        ("C#N.O=[Pd]", ["C", "#", "N", ".", "O", "=", "[Pd]"]),
        ("CC>[Pd]>C", ["C", "C", ">", "[Pd]", ">", "C"]),
        ("[NH3]->[Pt]<-N", ["[NH3]", "->", "[Pt]", "<-", "N"]),
        ("Cn1cBc1", ["C", "n", "1", "c", "B", "c", "1"]),
        ("CSc1cs1", ["C", "S", "c", "1", "c", "s", "1"]),
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert tokenize_smiles(text) == tokens


@pytest.mark.parametrize(
    ("text", "character", "place"),
    [
        ("CCX", "'X'", 3),
        ("C C", "' '", 2),
        ("[CH3", r"'\['", 1),
        ("CÉ", "'É'", 2),
        ("C\u0663", "'\u0663'", 2),
        ("C|", r"'\|'", 2),
    ],
)
def test_foreign_characters_are_named_with_their_place(text: str, character: str, place: int) -> None:
    with pytest.raises(ChemistryError, match=f"unexpected {character} at character {place}"):
        tokenize_smiles(text)
