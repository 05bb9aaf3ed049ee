"""Atom maps: roles, alignment of both sides, and no trace of a map in what is written."""

import csv
import lzma
import random
import re
from itertools import islice
from pathlib import Path

import pytest

from retort.chem.mapping import (
    MappedMolecule,
    align_to_product,
    align_to_reactants,
    map_numbers,
    mapped_components,
    split_roles,
)
from retort.chem.smiles import canonicalize
from retort.errors import ChemistryError

# Written for these tests: amide coupling, ester hydrolysis with a stereo centre, Suzuki coupling, a salt.
REACTIONS = [
    (
        "[CH3:1][C:2](=[O:3])[Cl:99].[NH2:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1",
        "[CH3:1][C:2](=[O:3])[NH:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1",
    ),
    (
        "[CH3:20][O:21][C:1](=[O:2])[C@@H:3]([NH2:4])[CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1.[OH2:12]",
        "[OH:12][C:1](=[O:2])[C@@H:3]([NH2:4])[CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1",
    ),
    (
        "[OH:30][B:31]([OH:32])[c:1]1[cH:2][cH:3][c:4]([F:5])[cH:6][cH:7]1.[Br:33][c:8]1[cH:9][cH:10][n:11][cH:12][cH:13]1",
        "[c:1]1([cH:2][cH:3][c:4]([F:5])[cH:6][cH:7]1)-[c:8]1[cH:9][cH:10][n:11][cH:12][cH:13]1",
    ),
    (
        "[CH3:1][CH2:2][Br:3].[Na+:4].[O-:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1",
        "[CH3:1][CH2:2][O:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1.[Na+:4].[Br-:3]",
    ),
]
SEEDS = [None, 0, 1, 2, 3, 4]


def rng_of(seed: int | None) -> random.Random | None:
    return None if seed is None else random.Random(seed)


def common_prefix(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("reactants", "products"), REACTIONS)
def test_alignment_keeps_the_molecules_and_drops_the_maps(reactants: str, products: str, seed: int | None) -> None:
    before, after = mapped_components(reactants), mapped_components(products)
    backward = align_to_product(before, after, rng_of(seed))
    assert [canonicalize(text) for text in backward] == [canonicalize(products), canonicalize(reactants)]
    forward = align_to_reactants(before, after, rng_of(seed))
    assert [canonicalize(text) for text in forward] == [canonicalize(reactants), canonicalize(products)]
    for text in (*backward, *forward):
        assert not re.search(r":\d", text), "a map number survived"


@pytest.mark.parametrize("root", range(11))
def test_both_sides_start_at_the_same_atom(root: int) -> None:
    """The amide spelled from any atom: the reactant that holds this atom is spelled from it, and comes first."""
    reactants, products = (mapped_components(side) for side in REACTIONS[0])
    (amide,) = products

    class FromRoot(random.Random):
        def randrange(self, *_: int) -> int:  # type: ignore[override]
            return root

    product_text, reactant_text = align_to_product(reactants, products, FromRoot())
    number = amide.maps[root]
    acyl = {1, 2, 3}
    first = reactant_text.split(".", maxsplit=1)[0]
    assert ("Cl" in first) is (number in acyl)
    assert product_text[0].lower() == reactant_text[0].lower()


def test_aligned_spellings_share_more_than_canonical_ones() -> None:
    """From the ring side of the product: 4-fluorophenyl pyridine, written from the fluorine on."""
    reactants, products = (mapped_components(side) for side in REACTIONS[2])
    (biaryl,) = products
    fluorine = biaryl.maps.index(5)

    class FromFluorine(random.Random):
        def randrange(self, *_: int) -> int:  # type: ignore[override]
            return fluorine

    product_text, reactant_text = align_to_product(reactants, products, FromFluorine())
    # Both texts run Fc1ccc( up to the bond that is made.
    assert product_text.startswith("Fc1ccc(")
    assert reactant_text.startswith("Fc1ccc(")
    assert "B(O)O" in reactant_text or "OB(O)" in reactant_text
    assert common_prefix(product_text, reactant_text) >= len("Fc1ccc(")


def test_reactants_follow_the_order_of_the_product() -> None:
    reactants, products = (mapped_components(side) for side in REACTIONS[0])
    flipped = align_to_product(list(reversed(reactants)), products, random.Random(1))
    assert flipped == align_to_product(reactants, products, random.Random(1))


def test_unrelated_molecules_come_last() -> None:
    reactants = mapped_components("[OH2:50].[CH3:1][Br:3]")
    text, spelled = align_to_product(reactants, mapped_components("[CH3:1][OH:9]"), None)
    assert canonicalize(text) == "CO"
    assert spelled.split(".")[1] == "O"


def test_map_numbers_and_their_order_do_not_reach_the_text() -> None:
    """Renumbering the maps and rewriting the mapped texts leaves the canonical alignment unchanged."""
    reactants, products = REACTIONS[0]
    renumbered = [re.sub(r":(\d+)\]", lambda m: f":{500 - int(m.group(1))}]", side) for side in (reactants, products)]
    first = align_to_product(mapped_components(reactants), mapped_components(products), None)
    assert align_to_product(*map(mapped_components, renumbered), None) == first
    swapped = ".".join(reversed(reactants.split(".")))
    assert align_to_product(mapped_components(swapped), mapped_components(products), None) == first


def test_a_mapped_molecule_is_canonical_and_keeps_its_maps() -> None:
    molecule = MappedMolecule.parse("[OH:7][CH2:5][CH3:2]")
    assert molecule.smiles == "CCO"
    assert molecule.maps == (2, 5, 7)
    assert molecule.spell(2) == ("OCC", [7, 5, 2])
    assert MappedMolecule.parse("[CH3:1]C").maps in {(1, 0), (0, 1)}


def test_mapped_hydrogens_do_not_shift_the_maps() -> None:
    molecule = MappedMolecule.parse("[H:9][O:1][CH2:2][Cl:3]")
    assert molecule.smiles == canonicalize("OCCl")
    assert dict(zip((a.GetSymbol() for a in molecule.mol.GetAtoms()), molecule.maps, strict=True)) == {
        "O": 1,
        "C": 2,
        "Cl": 3,
    }


def test_roles_come_from_shared_maps() -> None:
    parts = ["[CH3:1][Br:2]", "[OH2:3]", "[Na+]", "[Pd:40]"]
    assert split_roles(parts, {1, 3}) == (["[CH3:1][Br:2]", "[OH2:3]"], ["[Na+]", "[Pd:40]"])
    assert split_roles(parts, set()) == ([], parts)


def test_map_numbers_leave_out_unmapped_atoms() -> None:
    assert map_numbers("[CH3:1][CH2:12]C.[Na+]") == {1, 12}


def test_unreadable_components_are_errors() -> None:
    with pytest.raises(ChemistryError):
        mapped_components("[CH3:1].C1")


def edits(a: str, b: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[:], i
        for j, y in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
    return row[-1]


def test_alignment_of_published_reactions(data_root: Path) -> None:
    """On mapped patent reactions: the molecules are kept, no map is left, and the two texts come nearer."""
    with lzma.open(data_root / "uspto_50k" / "uspto50k_mapped.csv.xz", "rt") as file:
        mapped = [row["mapped_reaction"] for row in islice(csv.DictReader(file), 0, 3000, 20)]
    aligned = canonical = pairs = 0
    for text in filter(None, mapped):
        left, right = text.split(">>")
        product, reactants = align_to_product(mapped_components(left), mapped_components(right), random.Random(pairs))
        assert (canonicalize(product), canonicalize(reactants)) == (canonicalize(right), canonicalize(left))
        assert not re.search(r":\d", product + reactants)
        aligned += edits(product, reactants)
        canonical += edits(canonicalize(right), canonicalize(left))
        pairs += 1
    assert pairs > 100
    assert aligned < 0.85 * canonical
