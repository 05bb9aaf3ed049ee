"""SELFIES give molecules back, or refuse them."""

import random
import sys

import pytest

from retort.chem.smiles import canonicalize, components, randomize
from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError, MissingExtraError

pytest.importorskip("selfies")
from retort.chem.selfies_text import from_selfies, to_selfies

MOLECULES = [
    "CC(=O)Nc1ccc(O)cc1",
    "O=C(O)[C@@H](N)Cc1ccccc1",
    "F/C=C/Cl",
    "[Na+].[OH-]",
    "CC(C)(C)OC(=O)N1CCC[C@H]1C(=O)O.Cl",
    "[13CH3]c1cc2ccccc2[nH]1",
    "O=S(=O)(Oc1cnc2ccccc2c1)C(F)(F)F",
    "CP(C)(=O)c1ccccc1.[K+].[I-]",
]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_molecules_come_back_stereo_included(smiles: str) -> None:
    for seed in range(5):
        spelled = randomize(smiles, random.Random(seed))
        assert canonicalize(from_selfies(to_selfies(spelled))) == canonicalize(smiles)


def test_components_and_the_first_atom_stay_where_they_are() -> None:
    text = to_selfies("OCC.N")
    assert text.split(".")[0].startswith("[O]")
    assert len(components(from_selfies(text))) == 2


def test_every_sequence_of_symbols_is_a_molecule() -> None:
    symbols = sorted({token for smiles in MOLECULES for token in tokenize_smiles(to_selfies(smiles))} - {"."})
    rng = random.Random(7)
    for _ in range(200):
        smiles = from_selfies("".join(rng.choices(symbols, k=rng.randint(1, 40))))
        assert not smiles or canonicalize(smiles)


def test_what_has_no_selfies_is_refused() -> None:
    for smiles in ("C*", "CC!", "C->[Cu]"):
        with pytest.raises(ChemistryError):
            to_selfies(smiles)
    with pytest.raises(ChemistryError, match="cannot be read as SELFIES"):
        from_selfies("[nonsense!]")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "selfies", None)
    with pytest.raises(MissingExtraError, match=r"\[data\]"):
        from_selfies("[C]")
