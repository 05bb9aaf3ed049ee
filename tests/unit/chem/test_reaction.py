"""Reactions as text: roles, fragment groups in both notations, dative bonds."""

import pytest

from retort.chem.reaction import Reaction
from retort.errors import ChemistryError


def test_roles() -> None:
    reaction = Reaction.parse(" CC(=O)Cl.NC>CCN(CC)CC.ClCCl>CC(=O)NC ")
    assert reaction == Reaction(("CC(=O)Cl", "NC"), ("CCN(CC)CC", "ClCCl"), ("CC(=O)NC",))
    assert reaction.precursors == ("CC(=O)Cl", "NC", "CCN(CC)CC", "ClCCl")
    assert str(reaction) == "CC(=O)Cl.NC>CCN(CC)CC.ClCCl>CC(=O)NC"


@pytest.mark.parametrize("text", [">>", "C>>", ">C>", ">>C", "C.C>>C", "C>O>", "[CH3:1][OH:2]>>[CH2:1]=[O:2]"])
def test_empty_roles_are_kept(text: str) -> None:
    assert str(Reaction.parse(text)) == text


@pytest.mark.parametrize(("text", "count"), [("", 0), ("CCO", 0), ("CC>O", 1), ("C>O>N>C", 3), ("C>>>C", 3)])
def test_anything_but_two_separators_is_refused(text: str, count: int) -> None:
    with pytest.raises(ChemistryError, match=f"it has {count} '>' instead of 2"):
        Reaction.parse(text)


def test_groups_in_the_extension() -> None:
    # Components: 0 benzoic acid, 1 Na+, 2 hydroxide | 3 water | 4 Na+, 5 benzoate.
    reaction = Reaction.parse("OC(=O)c1ccccc1.[Na+].[OH-]>O>[Na+].[O-]C(=O)c1ccccc1 |f:1.2,4.5|")
    assert reaction.reactants == ("OC(=O)c1ccccc1", "[Na+].[OH-]")
    assert reaction.reagents == ("O",)
    assert reaction.products == ("[Na+].[O-]C(=O)c1ccccc1",)


def test_groups_of_members_that_are_not_neighbours() -> None:
    reaction = Reaction.parse("[K+].CCBr.[K+].[O-]C([O-])=O>>CCO |f:0.2.3|")
    assert reaction.reactants == ("[K+].[K+].[O-]C([O-])=O", "CCBr")


def test_groups_written_with_tildes() -> None:
    reaction = Reaction.parse("CCBr.[Na+]~[I-]>CC(C)=O>CCI.[Na+]~[Br-]")
    assert reaction == Reaction(("CCBr", "[Na+].[I-]"), ("CC(C)=O",), ("CCI", "[Na+].[Br-]"))


def test_both_notations_agree() -> None:
    tildes = Reaction.parse("CCBr.[Na+]~[I-]>CC(C)=O>CCI.[Na+]~[Br-]")
    extension = Reaction.parse("CCBr.[Na+].[I-]>CC(C)=O>CCI.[Na+].[Br-] |f:1.2,5.6|")
    assert tildes == extension
    assert Reaction.parse(tildes.with_groups()) == tildes
    assert tildes.with_groups() == "CCBr.[Na+]~[I-]>CC(C)=O>CCI.[Na+]~[Br-]"
    assert str(tildes) == "CCBr.[Na+].[I-]>CC(C)=O>CCI.[Na+].[Br-]"


@pytest.mark.parametrize("extension", ["|f:0.1,^1:3|", "|^1:3,f:0.1|", "|$;;$,f:0.1|"])
def test_other_extensions_do_not_hide_the_groups(extension: str) -> None:
    assert Reaction.parse(f"[Na+].[OH-].C>>CO {extension}").reactants == ("[Na+].[OH-]", "C")


@pytest.mark.parametrize("extension", ["", "|^1:0|", "a name of the reaction"])
def test_without_groups_every_component_is_a_compound(extension: str) -> None:
    assert Reaction.parse(f"[Na+].[OH-].C>>CO {extension}").reactants == ("[Na+]", "[OH-]", "C")


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("CC->[Pd]>>C", ("CC->[Pd]", "", "C")),
        ("CCO>N->[Pd]<-N>CC=O", ("CCO", "N->[Pd]<-N", "CC=O")),
        ("C>>[NH3]->[Pt]", ("C", "", "[NH3]->[Pt]")),
        ("[Cl-]>>[Na+]", ("[Cl-]", "", "[Na+]")),
        ("C[N-]>[Pd]<-P>C", ("C[N-]", "[Pd]<-P", "C")),
    ],
)
def test_dative_bonds_are_no_separators(text: str, roles: tuple[str, str, str]) -> None:
    reaction = Reaction.parse(text)
    assert (".".join(reaction.reactants), ".".join(reaction.reagents), ".".join(reaction.products)) == roles
    assert str(reaction) == text
