"""Spell an answer beside its query without any atom map: guess which atoms correspond, then align the roots.

Models trained on root-aligned spellings (Zhong et al., Chem. Sci. 2022, 13, 9023) find an answer far more probable
when it is spelled the way they would write it. At prediction time no map is known, so corresponding atoms are found
by their surroundings: atoms whose neighbourhoods agree to the largest radius are paired first, and every pair grows
along the bonds of both sides. The result is a heuristic; it decides about spellings, never about chemistry.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rdkit import Chem

from retort.chem.mapping import MappedMolecule, align_to_product, align_to_reactants
from retort.chem.smiles import components, parse

MAX_RADIUS = 4  # bonds around an atom that are compared
UNPAIRED = -1


class Aligned(NamedTuple):
    """One reaction in the two spellings in which a model would read and write it.

    Attributes:
        backward: ``(product, precursors)``: the product canonical, every precursor from its earliest shared atom.
        forward: ``(precursors, product)``: precursors canonical, the product from its earliest shared atom.
    """

    backward: tuple[str, str]
    forward: tuple[str, str]


def align(precursors: str, product: str) -> Aligned:
    """Spell both sides of a reaction for both directions; raises ChemistryError where a side cannot be read."""
    given, answer = Side.read(product), Side.read(precursors)
    products = given.numbered(range(len(given.levels)))
    reactants = answer.numbered(correspondence(given, answer))
    return Aligned(align_to_product(reactants, products, None), align_to_reactants(reactants, products, None))


def mapped_reaction(precursors: str, product: str) -> str:
    """Return ``precursors>>product`` with map numbers on the pairs of atoms; raises as :func:`align`."""
    given, answer = Side.read(product), Side.read(precursors)
    partners = correspondence(given, answer)
    known = {partner for partner in partners if partner != UNPAIRED}
    products = given.numbered([atom if atom in known else UNPAIRED for atom in range(len(given.levels))])
    return ">>".join(".".join(map(_with_maps, side)) for side in (answer.numbered(partners), products))


def _with_maps(molecule: MappedMolecule) -> str:
    mol = Chem.Mol(molecule.mol)
    for atom, number in zip(mol.GetAtoms(), molecule.maps, strict=True):
        atom.SetAtomMapNum(number)
    return str(Chem.MolToSmiles(mol))


class Component(NamedTuple):
    """One connected molecule with what is compared of it.

    Attributes:
        mol: The molecule in canonical atom order.
        levels: Per atom, a number for its surroundings within 0, 1, ... ``MAX_RADIUS`` bonds.
        neighbours: Per atom, the atoms bound to it.
    """

    mol: Chem.Mol
    levels: list[tuple[int, ...]]
    neighbours: list[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Side:
    """All atoms of one side of a reaction, component by component, canonical and sorted; numbered throughout.

    Attributes:
        components: The molecules.
        levels: As in :class:`Component`, of all atoms.
        neighbours: As in :class:`Component`, of all atoms.
        owner: Per atom, the index of its component.
    """

    components: list[Component]
    levels: list[tuple[int, ...]]
    neighbours: list[tuple[int, ...]]
    owner: list[int]

    @classmethod
    def read(cls, smiles: str) -> "Side":
        """Read components joined by ``.``; raises ChemistryError."""
        side = cls([_component(part) for part in components(smiles)], [], [], [])
        for i, component in enumerate(side.components):
            start = len(side.levels)
            side.levels.extend(component.levels)
            side.neighbours.extend(tuple(start + n for n in around) for around in component.neighbours)
            side.owner.extend([i] * len(component.levels))
        return side

    def numbered(self, partners: Sequence[int]) -> list[MappedMolecule]:
        """Return the components with map number ``partner + 1`` on every atom; 0 where it has no partner."""
        left = iter(partners)
        return [MappedMolecule(c.mol, tuple(next(left) + 1 for _ in c.levels)) for c in self.components]


def correspondence(given: Side, answer: Side) -> list[int]:
    """Return for every atom of the answer the atom of the given side that it most likely is, or ``UNPAIRED``.

    No atom of the given side is used twice. Atoms that agree in their element alone are paired only where bonds lead
    to them, or in a component that found no other partner.
    """
    pairs = _Pairs(given, answer)
    for radius in range(MAX_RADIUS, 0, -1):
        pairs.seed(radius, range(len(answer.levels)))
    paired = {answer.owner[atom] for atom, partner in enumerate(pairs.partner) if partner != UNPAIRED}
    pairs.seed(0, [atom for atom, component in enumerate(answer.owner) if component not in paired])
    return pairs.partner


class _Pairs:
    """Pairs found so far; they only grow."""

    def __init__(self, given: Side, answer: Side) -> None:
        self.partner = [UNPAIRED] * len(answer.levels)
        self._given, self._answer = given, answer
        self._taken = [False] * len(given.levels)

    def seed(self, radius: int, atoms: Sequence[int]) -> None:
        """Pair free atoms whose surroundings agree up to a radius, and grow from every pair at once."""
        places: dict[int, list[int]] = defaultdict(list)
        for atom, levels in enumerate(self._given.levels):
            if not self._taken[atom]:
                places[levels[radius]].append(atom)
        for atom in atoms:
            options = places.get(self._answer.levels[atom][radius], ())
            free = next((option for option in options if not self._taken[option]), None)
            if self.partner[atom] == UNPAIRED and free is not None:
                self._grow(free, atom)

    def _grow(self, mine: int, other: int) -> None:
        self._pair(mine, other)
        open_pairs = [(mine, other)]
        while open_pairs:
            mine, other = open_pairs.pop(0)
            options = sorted(
                (-_agreement(self._given.levels[m], self._answer.levels[o]), m, o)
                for m in self._given.neighbours[mine]
                for o in self._answer.neighbours[other]
                if not self._taken[m] and self.partner[o] == UNPAIRED
            )
            for agreement, m, o in options:
                if agreement < 0 and not self._taken[m] and self.partner[o] == UNPAIRED:
                    self._pair(m, o)
                    open_pairs.append((m, o))

    def _pair(self, mine: int, other: int) -> None:
        self.partner[other] = mine
        self._taken[mine] = True


def _agreement(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Return at how many radii, from 0 on, two surroundings agree."""
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b), len(left))


@lru_cache(maxsize=4096)
def _component(smiles: str) -> Component:
    mol = parse(smiles)
    around = [tuple(neighbour.GetIdx() for neighbour in atom.GetNeighbors()) for atom in mol.GetAtoms()]
    return Component(mol, _surroundings(mol), around)


def _surroundings(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Return per atom one number per radius; equal numbers mean equal surroundings (stereo and hydrogens left out)."""
    bonds = [
        [(int(bond.GetBondType()), bond.GetOtherAtomIdx(i)) for bond in atom.GetBonds()]
        for i, atom in enumerate(mol.GetAtoms())
    ]
    numbers = [hash((atom.GetAtomicNum(), atom.GetIsAromatic())) for atom in mol.GetAtoms()]
    rounds = [numbers]
    for _ in range(MAX_RADIUS):
        numbers = [
            hash((number, tuple(sorted((kind, numbers[j]) for kind, j in around))))
            for number, around in zip(numbers, bonds, strict=True)
        ]
        rounds.append(numbers)
    return list(zip(*rounds, strict=True))
