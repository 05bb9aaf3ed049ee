"""Maps from templates: found where a template gives these very reactants, with every product atom traced back."""

import pytest
from rdkit import Chem

from retort.chem.mapping import mapped_components
from retort.chem.smiles import canonicalize, map_numbers, strip_maps
from retort.chem.template_alignment import TemplateAligner, relax

AMIDE = (
    "[C:2]-[NH;D2;+0:1]-[C;H0;D3;+0:4](-[C:3])=[O;D1;H0:5]>>Cl-[C;H0;D3;+0:4](-[C:3])=[O;D1;H0:5].[C:2]-[NH2;D1;+0:1]"
)
ESTER = "[O;D1;H0:7]=[C:8]-[OH;D1;+0:9]>>C-[O;H0;D2;+0:9]-[C:8]=[O;D1;H0:7]"
ALKYLATION = "[C:2]-[n;H0;D3;+0:1](:[c:3]):[c:4]>>I-[C:2].[c:3]:[nH;D2;+0:1]:[c:4]"
ALIGNER = TemplateAligner([AMIDE, ESTER, ALKYLATION, "[C:1>>[C:1]"])


def mapped(reaction: str) -> tuple[str, str]:
    """Map a reaction; every product atom has a map number of its own, and both sides hold the same numbers."""
    reactants, product = reaction.split(">>")
    text = ALIGNER.align(reactants.split("."), product.split("."))
    assert text is not None
    left, right = text.split(">>")
    assert canonicalize(strip_maps(right)) == canonicalize(product)
    (whole,) = mapped_components(max(right.split("."), key=len))
    assert sorted(whole.maps) == list(range(1, len(whole.maps) + 1))
    assert map_numbers(left) == set(whole.maps)
    return left, right


def number(side: str, smarts: str) -> int:
    """Return the map number of the first atom of a pattern that occurs once."""
    mol = Chem.MolFromSmiles(side)
    (match,) = mol.GetSubstructMatches(Chem.MolFromSmarts(smarts))
    found: int = mol.GetAtomWithIdx(match[0]).GetAtomMapNum()
    return found


def test_the_maps_say_which_atom_became_which() -> None:
    left, right = mapped("CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1")
    assert number(left, "[NH2]") == number(right, "[NH]")
    assert number(left, "C(=O)Cl") == number(right, "C(=O)N")
    assert number(left, "O=C") == number(right, "O=C")
    assert number(left, "[CH2]c") == number(right, "[CH2]c")
    assert number(left, "Cl") == 0


def test_reagents_are_left_out() -> None:
    left, _ = mapped("CCN(CC)CC.CC(=O)Cl.ClCCl.NCc1ccccc1>>CC(=O)NCc1ccccc1")
    assert canonicalize(strip_maps(left)) == canonicalize("CC(=O)Cl.NCc1ccccc1")


def test_stereo_of_the_record_is_kept() -> None:
    left, _ = mapped("CC(=O)Cl.N[C@@H](C)c1ccccc1>>CC(=O)N[C@@H](C)c1ccccc1")
    assert canonicalize(strip_maps(left)) == canonicalize("CC(=O)Cl.N[C@@H](C)c1ccccc1")


def test_another_component_of_the_product_stays_unmapped() -> None:
    _, right = mapped("CC(=O)Cl.NCc1ccccc1.[Na+]>>CC(=O)NCc1ccccc1.[Na+]")
    assert "[Na+]" in right.split(".")


def test_an_aromatic_hydrogen_moves() -> None:
    left, _ = mapped("CI.c1ccc2[nH]ccc2c1>>Cn1ccc2ccccc21")
    assert "[nH:" in left


def test_the_site_is_the_one_that_gives_these_reactants() -> None:
    """Either acid could have been an ester; only one reading gives the ester that was recorded."""
    left, right = mapped("COC(=O)CCc1ccc(C(=O)O)cc1>>O=C(O)CCc1ccc(C(=O)O)cc1")
    assert number(left, "[OD2]") == number(right, "[OH]C(=O)[CH2]")
    assert number(left, "[OH]C(=O)c") == number(right, "[OH]C(=O)c")
    assert number(left, "[CH3]") == 0


@pytest.mark.parametrize(
    "reaction",
    [
        "CC(=O)O.NCc1ccccc1>>CC(=O)NCc1ccccc1",  # from the acid: no template
        "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccncc1",  # not the product of these
        "CCO>>CCO",
        ".".join(["CC(=O)Cl", "NCc1ccccc1", *["CCO"] * 20]) + ">>CC(=O)NCc1ccccc1",  # too many to search
    ],
)
def test_what_no_template_makes_has_no_map(reaction: str) -> None:
    reactants, product = reaction.split(">>")
    assert ALIGNER.align(reactants.split("."), product.split(".")) is None


def test_no_product_has_no_map() -> None:
    assert ALIGNER.align(["CCO"], []) is None


@pytest.mark.parametrize(
    ("smarts", "relaxed"),
    [
        ("[O;D1;H0:7]=[C:8]-[OH;D1;+0:9]>>C-[O;H0;D2;+0:9]-[C:8]", "[O:7]=[C:8]-[O;+0:9]>>C-[O;+0:9]-[C:8]"),
        ("[C@@H;D3;+0:1]>>[C@H;D3;+0:1]", "[C;+0:1]>>[C;+0:1]"),
        ("[#7;a:2]:[nH;D2;+0:1]>>[#7;a:2]:[nH;D2;+0:1]", "[#7;a:2]:[n;+0:1]>>[#7;a:2]:[nH;D2;+0:1]"),
        ("[NH3+;D1:1]/[C:2]>>[C:2]", "[N+:1]-[C:2]>>[C:2]"),
    ],
)
def test_templates_are_relaxed(smarts: str, relaxed: str) -> None:
    assert relax(smarts) == relaxed
