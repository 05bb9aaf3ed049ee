"""Atom maps: roles, and spellings of both sides of a reaction that start from the same atom.

Root alignment follows Zhong et al. (Chem. Sci. 2022, 13, 9023; "R-SMILES"): one side is spelled from a chosen root,
and every molecule of the other side from the atom that corresponds to the earliest one already written, so that
the two texts differ little. Molecules are re-read without maps before they are spelled; map numbers and the
order of the mapped file never reach the text.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rdkit import Chem

from retort.chem.smiles import map_numbers, parse, root_molecule, strip_maps
from retort.chem.tokens import tokenize_smiles


@dataclass(frozen=True)
class MappedMolecule:
    """One connected molecule, free of maps, beside the map number of each atom (0: none).

    Attributes:
        mol: RDKit molecule in canonical atom order, without maps.
        maps: Map number of every atom of ``mol``.
    """

    mol: Chem.Mol
    maps: tuple[int, ...]

    @classmethod
    def unmapped(cls, smiles: str) -> "MappedMolecule":
        """Read one component and give it no maps; the same text gives the same object, so its spellings are shared."""
        return _unmapped(smiles)

    @classmethod
    def parse(cls, mapped_smiles: str) -> "MappedMolecule":
        """Read one mapped component; raises ChemistryError where it cannot be read."""
        mol = parse(strip_maps(mapped_smiles))
        maps = _maps_in_order(mapped_smiles)
        if len(maps) != mol.GetNumAtoms():  # explicit hydrogens were merged into their neighbours
            mol, maps = _parse_atom_by_atom(mapped_smiles)
        text = Chem.MolToSmiles(mol)
        order = _written_order(mol)
        return cls(_read_again(text), tuple(maps[i] for i in order))

    @cached_property
    def smiles(self) -> str:
        """Canonical SMILES without maps."""
        return self.spell(-1)[0]

    def spell(self, root: int) -> tuple[str, list[int]]:
        """Return the spelling from an atom index (-1: the canonical one), and the map numbers in the order written.

        Each root is spelled once; the list is shared between calls and must not be changed.
        """
        found = self._spelled.get(root)
        if found is None:
            text = root_molecule(self.mol, root)
            found = self._spelled[root] = text, [self.maps[i] for i in _written_order(self.mol)]
        return found

    @cached_property
    def _spelled(self) -> dict[int, tuple[str, list[int]]]:
        return {}


def mapped_components(mapped_smiles: str) -> list[MappedMolecule]:
    """Read all components of one side of a mapped reaction."""
    return [MappedMolecule.parse(part) for part in mapped_smiles.split(".")]


def split_roles(precursors: Sequence[str], product_maps: set[int]) -> tuple[list[str], list[str]]:
    """Split mapped precursors into reactants (an atom in the product) and reagents (none)."""
    reactants: list[str] = []
    reagents: list[str] = []
    for part in precursors:
        (reactants if map_numbers(part) & product_maps else reagents).append(part)
    return reactants, reagents


def spell_randomly(molecules: Sequence[MappedMolecule], rng: random.Random | None) -> str:
    """Spell every molecule from a random atom, in random order; None takes the canonical spelling."""
    return _spell_freely(molecules, rng)[0]


def align_to_product(
    reactants: Sequence[MappedMolecule], products: Sequence[MappedMolecule], rng: random.Random | None
) -> tuple[str, str]:
    """Spell ``(products, reactants)`` for retrosynthesis: products from their roots, reactants aligned to them.

    Args:
        reactants: Components of the precursor side.
        products: Components of the product side.
        rng: Draws the product roots and their order; None takes the canonical spelling.
    """
    texts, written = _spell_freely(products, rng)
    return texts, _spell_aligned(reactants, written)


def align_to_reactants(
    precursors: Sequence[MappedMolecule], products: Sequence[MappedMolecule], rng: random.Random | None
) -> tuple[str, str]:
    """Spell ``(precursors, products)`` for forward prediction: precursors freely, products aligned to them."""
    present = {number for product in products for number in product.maps} - {0}
    texts, written = _spell_freely(precursors, rng)
    return texts, _spell_aligned(products, [number for number in written if number in present])


def _spell_freely(molecules: Sequence[MappedMolecule], rng: random.Random | None) -> tuple[str, list[int]]:
    if rng is None:
        spelled = [m.spell(-1) for m in sorted(molecules, key=lambda m: m.smiles)]
    else:
        shuffled = rng.sample(list(molecules), len(molecules))
        spelled = [m.spell(rng.randrange(m.mol.GetNumAtoms())) for m in shuffled]
    return ".".join(text for text, _ in spelled), [number for _, maps in spelled for number in maps]


def _spell_aligned(molecules: Sequence[MappedMolecule], written: Sequence[int]) -> str:
    """Spell every molecule from its earliest written atom, in the order of those atoms; unrelated ones last."""
    place = {number: i for i, number in reversed(list(enumerate(written))) if number}
    spelled: list[tuple[int, str]] = []
    for molecule in molecules:
        shared = [(place[number], atom) for atom, number in enumerate(molecule.maps) if number in place]
        if shared:
            first, root = min(shared)
            spelled.append((first, molecule.spell(root)[0]))
        else:
            spelled.append((len(written), molecule.smiles))
    return ".".join(text for _, text in sorted(spelled))


def _maps_in_order(mapped_smiles: str) -> list[int]:
    """Map number of every atom token, in the order in which the text names the atoms."""
    atoms = [token for token in tokenize_smiles(mapped_smiles) if token[0] == "[" or token[0].isalpha() or token == "*"]
    return [next(iter(map_numbers(token)), 0) for token in atoms]


def _parse_atom_by_atom(mapped_smiles: str) -> tuple[Chem.Mol, list[int]]:
    mol = parse(mapped_smiles)
    maps = [atom.GetAtomMapNum() for atom in mol.GetAtoms()]
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return mol, maps


@lru_cache(maxsize=4096)
def _unmapped(smiles: str) -> MappedMolecule:
    molecule = MappedMolecule.parse(smiles)
    return MappedMolecule(molecule.mol, (0,) * len(molecule.maps))


@lru_cache(maxsize=4096)
def _read_again(canonical: str) -> Chem.Mol:
    """Parse a canonical text; the molecule is shared, and nothing but its written order is ever set on it."""
    return parse(canonical)


def _written_order(mol: Chem.Mol) -> list[int]:
    """Atom indices in the order in which the last ``MolToSmiles`` call wrote them."""
    return [int(index) for index in mol.GetProp("_smilesAtomOutputOrder").strip("[,]").split(",")]
