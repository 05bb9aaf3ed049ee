"""Templates: taken from mapped reactions, applied backwards and forwards, with stereo."""

import numpy as np
import pytest

from retort.chem.smiles import canonicalize
from retort.chem.template_features import answer_features, frequent_columns, template_features
from retort.chem.templates import NoTemplate, Substrate, Template, extract_template
from retort.errors import ChemistryError

AMIDE = "[CH3:1][C:2](=[O:3])[OH:9].[NH2:4][CH2:5][CH3:6]>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
CHLORIDE = "[CH3:1][C:2](=[O:3])[Cl:900].[NH2:4][CH2:5][CH3:6]>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
INVERSION = "[CH3:1][C@H:2]([Br:9])[C:3](=[O:4])[OH:5].[NH3:6]>>[CH3:1][C@@H:2]([NH2:6])[C:3](=[O:4])[OH:5]"


def template(mapped: str) -> str:
    found = extract_template(mapped)
    assert isinstance(found, str)
    return found


def test_template_of_a_reaction_recovers_it_both_ways() -> None:
    smarts = template(AMIDE)
    assert Template(smarts, "retro").apply(Substrate("CCNC(C)=O")) == (canonicalize("CC(=O)O.CCN"),)
    assert Template(smarts, "forward").apply(Substrate("CC(=O)O.CCN")) == ("CCNC(C)=O",)


def test_template_generalises_to_another_molecule() -> None:
    found = Template(template(AMIDE), "retro").apply(Substrate("CC(=O)NCc1ccccc1"))
    assert found == (canonicalize("CC(=O)O.NCc1ccccc1"),)


def test_leaving_atoms_may_or_may_not_be_mapped() -> None:
    assert template(CHLORIDE) == template(CHLORIDE.replace("[Cl:900]", "Cl"))


def test_reactant_without_product_atoms_does_not_enter_the_template() -> None:
    reactants, product = AMIDE.split(">>")
    assert template(f"{reactants}.[CH3:20][CH2:21][OH:22]>>{product}") == template(AMIDE)


def test_extraction_leaves_the_global_random_state_alone() -> None:
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    extract_template(INVERSION)
    assert np.random.random() == expected  # noqa: NPY002


def test_spectators_are_dropped_from_a_forward_answer() -> None:
    found = Template(template(AMIDE), "forward").apply(Substrate("CC(=O)O.CCN.ClCCl.CN(C)C=O"))
    assert found == ("CCNC(C)=O",)


def test_amine_of_a_spectator_may_react_too() -> None:
    found = Template(template(AMIDE), "forward").apply(Substrate("CC(=O)O.CCN.NCc1ccccc1"))
    assert set(found) == {"CCNC(C)=O", "CC(=O)NCc1ccccc1"}


def test_forward_closes_a_ring_where_both_partners_are_one_molecule() -> None:
    mapped = "[CH3:1][CH2:7][C:2](=[O:3])O.[NH2:4][CH2:5][CH3:6]>>[CH3:1][CH2:7][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
    found = Template(template(mapped), "forward").apply(Substrate("NCCCC(=O)O"))
    assert canonicalize("O=C1CCCN1") in found


def test_stereo_is_inverted_where_the_template_inverts() -> None:
    smarts = template(INVERSION)
    (before,) = Template(smarts, "retro").apply(Substrate("C[C@H](N)C(=O)O"))
    (opposite,) = Template(smarts, "retro").apply(Substrate("C[C@@H](N)C(=O)O"))
    assert before != opposite
    assert canonicalize("C[C@@H](Br)C(=O)O") in before.split(".")


def test_stereo_away_from_the_centre_is_kept() -> None:
    (found,) = Template(template(AMIDE), "retro").apply(Substrate("CC(=O)NC[C@@H](C)O"))
    assert canonicalize("NC[C@@H](C)O") in found.split(".")


def test_symmetric_sites_give_one_answer() -> None:
    found = Template(template(AMIDE), "retro").apply(Substrate("CC(=O)NCCNC(C)=O"))
    assert found == (canonicalize("CC(=O)O.CC(=O)NCCN"),)


def test_different_sites_give_several_answers() -> None:
    found = Template(template(AMIDE), "retro").apply(Substrate("CC(=O)NCCCC(C)NC(=O)CC"))
    assert len(found) == 1  # the second amide carries a longer acid and a branched amine, outside the template
    found = Template(template(AMIDE), "retro").apply(Substrate("CC(=O)NCCCC(O)CNC(C)=O"))
    assert len(found) == 2


def test_template_that_does_not_fit_has_no_answer() -> None:
    assert Template(template(AMIDE), "retro").apply(Substrate("c1ccccc1")) == ()


@pytest.mark.parametrize("smarts", ["[C:1>>[C:1]", "", "[C:1]-[C:2]>>[C:1]-[N:2]"])
def test_damaged_template_has_no_answer(smarts: str) -> None:
    assert Template(smarts, "retro").apply(Substrate("CCO")) == ()


@pytest.mark.parametrize(
    ("mapped", "reason"),
    [
        ("CCO", "not a reaction"),
        ("C1CC>>CC", "unreadable"),
        ("[CH4:1].[CH4:2]>>[CH4:1].[CH4:2]", "several products"),
        ("[CH3:1][CH3:2]>>[CH3:1][CH3:2]", "no change that a template can hold"),
        (f"[CH4:1]>>[CH3:1]{'C' * 220}", "product too large"),
    ],
)
def test_reactions_without_template_say_why(mapped: str, reason: str) -> None:
    assert extract_template(mapped) == NoTemplate(reason)


def test_scrambled_map_is_refused_before_it_is_matched() -> None:
    size = 30
    chain = "".join(f"[CH2:{i}]" for i in range(1, size + 1))
    scrambled = "".join(f"[CH2:{1 + 7 * i % size}]" for i in range(size))
    assert extract_template(f"{chain}>>{scrambled}") == NoTemplate("too many changed bonds")


def test_unreadable_substrate_is_refused() -> None:
    with pytest.raises(ChemistryError):
        Substrate("C1CC")


def test_features_relate_templates_that_share_a_centre() -> None:
    acid, chloride, inversion = (template_features(template(text)) for text in (AMIDE, CHLORIDE, INVERSION))
    assert (acid & chloride).total() > (acid & inversion).total()
    assert acid != chloride


def test_features_of_answers_are_their_components() -> None:
    assert answer_features("CCO.CCO.[Na+]") == {"CCO": 2, "[Na+]": 1}


def test_rare_features_have_no_column() -> None:
    rows = [answer_features(text) for text in ("A.B", "B.C", "B.C.D")]
    assert frequent_columns(rows, 2) == {"B": 0, "C": 1}


def local(mapped: str) -> str:
    found = extract_template(mapped, local=True)
    assert isinstance(found, str)
    return found


def test_a_local_template_ends_at_the_reaction_centre() -> None:
    assert local(AMIDE) == "[C;H0;D3;+0:1]-[NH;D2;+0:2]>>O-[C;H0;D3;+0:1].[NH2;D1;+0:2]"
    assert template(AMIDE) != local(AMIDE)
    assert template(AMIDE) == template(AMIDE)  # taking local ones has changed nothing for the others


def test_places_say_where_each_answer_comes_from() -> None:
    """Lidocaine's amide is the one place of its kind; a diamide has two, each with its own answer."""
    amide = Template(local(AMIDE), "retro")
    one = Substrate("CC(=O)NCCCNC(=O)c1ccccc1")
    found = amide.places(one)
    assert set(found) == set(amide.apply(one))
    assert len(found) == 2
    for atoms in found.values():
        assert sorted(one.mol.GetAtomWithIdx(atom).GetSymbol() for atom in atoms) == ["C", "N"]
    first, second = found.values()
    assert not first & second


def test_places_that_are_alike_are_told_together() -> None:
    both = Template(local(AMIDE), "retro").places(Substrate("CC(=O)NCCNC(C)=O"))
    assert [len(atoms) for atoms in both.values()] == [4]


@pytest.mark.parametrize("smiles", ["C[C@H](NC(C)=O)C(=O)NC", "CC(=O)N/N=C/C", "CCO"])
def test_places_and_answers_agree_where_stereo_is_stated(smiles: str) -> None:
    for mapped in (AMIDE, INVERSION, CHLORIDE):
        for smarts in (local(mapped), template(mapped)):
            one, substrate = Template(smarts, "retro"), Substrate(smiles)
            assert set(one.places(substrate)) == set(one.apply(substrate))
