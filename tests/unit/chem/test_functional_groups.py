"""Functional groups of textbook molecules, and what textbook reactions make and break."""

import pytest

from retort.chem.functional_groups import SMARTS, changes, functional_groups
from retort.errors import ChemistryError


@pytest.mark.parametrize(
    ("smiles", "groups"),
    [
        ("CC(=O)Nc1ccc(O)cc1", {"amide": 1, "phenol": 1}),  # paracetamol
        ("CC(=O)Oc1ccccc1C(=O)O", {"ester": 1, "carboxylic acid": 1}),  # aspirin
        ("CCO", {"alcohol": 1}),
        ("CCOCC", {"alkyl ether": 1}),
        ("COc1ccccc1", {"aryl ether": 1}),
        ("CC(C)=O", {"ketone": 1}),
        ("CC=O", {"aldehyde": 1}),
        ("CC(=O)Cl", {"acid halide": 1}),
        ("CC(=O)OC(C)=O", {"anhydride": 1}),
        ("CC(C)(C)OC(=O)NC", {"carbamate": 1}),
        ("CNC(=O)NC", {"urea": 1}),
        ("O=C1CCC(=O)N1", {"imide": 1}),
        ("C[N+](=O)[O-]", {"nitro": 1}),
        ("CC#N", {"nitrile": 1}),
        ("CN=C=O", {"isocyanate": 1}),
        ("CN=[N+]=[N-]", {"azide": 1}),
        ("CC(C)=NC", {"imine": 1}),
        ("CN", {"primary amine": 1}),
        ("CNC", {"secondary amine": 1}),
        ("CCN(CC)CC", {"tertiary amine": 1}),
        ("Nc1ccccc1", {"aromatic amine": 1}),
        ("CS(=O)(=O)NC", {"sulfonamide": 1}),
        ("CS(=O)(=O)Cl", {"sulfonyl halide": 1}),
        ("CS(=O)(=O)OC", {"sulfonate ester": 1}),
        ("CSC", {"sulfide": 1}),
        ("Brc1ccccc1", {"aryl halide": 1}),
        ("BrCCBr", {"alkyl halide": 2}),
        ("OB(O)c1ccccc1", {"boronic acid or ester": 1}),
        ("C[Si](C)(C)OC", {"silyl ether": 1}),
        ("C1CO1", {"epoxide": 1, "alkyl ether": 1}),
        ("C=CC#C", {"alkene": 1, "alkyne": 1}),
        ("c1ccccc1", {}),
    ],
)
def test_groups_of_textbook_molecules(smiles: str, groups: dict[str, int]) -> None:
    assert functional_groups(smiles) == groups


@pytest.mark.parametrize(
    ("reaction", "made", "broken"),
    [
        ("CC(=O)Cl.NCC>>CC(=O)NCC", {"amide"}, {"acid halide", "primary amine"}),
        ("O=[N+]([O-])c1ccccc1>>Nc1ccccc1", {"aromatic amine"}, {"nitro"}),
        ("COC(C)=O>>CC(=O)O", {"carboxylic acid"}, {"ester"}),
        ("Oc1ccccc1.CBr>>COc1ccccc1", {"aryl ether"}, {"phenol", "alkyl halide"}),
        ("CC(C)=O>>CC(C)O", {"alcohol"}, {"ketone"}),
        ("OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1", set(), {"aryl halide", "boronic acid or ester"}),
    ],
)
def test_what_textbook_reactions_change(reaction: str, made: set[str], broken: set[str]) -> None:
    before, after = (side.split(".") for side in reaction.split(">>"))
    assert changes(before, after) == (made, broken)


def test_what_cannot_be_read_has_no_groups() -> None:
    with pytest.raises(ChemistryError):
        functional_groups("C1CC")


def test_every_pattern_is_tried_by_some_molecule_here() -> None:
    more = ("COC(=O)OC", "CC(C)=NO", "CC(C)=NN(C)C", "CC(=N)N(C)C", "CS", "CS(C)=O", "CS(C)(=O)=O", "CF", "Fc1ccccc1")
    more += ("COP(=O)(OC)OC", "C[Mg]Br")
    named = [mark for test in (test_groups_of_textbook_molecules,) for mark in test.pytestmark]  # type: ignore[attr-defined]
    tried = [smiles for mark in named for smiles, _ in mark.args[1]] + list(more)
    assert {name for smiles in tried for name in functional_groups(smiles)} == set(SMARTS)
