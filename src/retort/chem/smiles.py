"""Molecules as SMILES: canonical, randomised and rooted spellings.

Every function takes components joined by ``.`` unless it says *molecule*. Atom maps never survive: they are
removed before anything is written, so that no spelling can betray the order of a mapped source.
"""

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem, RDLogger

from retort.errors import ChemistryError

RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]  # failures are raised here, in our own words

LONGEST = 10_000  # characters; RDKit dies of a chain of 20,000 atoms

_MAP = re.compile(r":(\d+)\]")
_STEREO = re.compile(r"[@/\\]|\[\d")  # chirality, double-bond geometry, isotopes


def parse(smiles: str) -> Chem.Mol:
    """Parse SMILES into a sanitised RDKit molecule.

    White space around the text is ignored. RDKit alone would read ``CC junk`` as ethane (a blank begins a name) and
    ``Cé`` as methane (foreign characters at the ends are cut off); here both are errors.

    Raises:
        ChemistryError: The text is empty, very long, is not SMILES, or breaks a valence rule.
    """
    smiles = smiles.strip()
    if not smiles:
        raise ChemistryError("empty SMILES.", "Give at least one molecule, e.g. CCO.")
    if len(smiles) > LONGEST:
        raise ChemistryError(
            f"{smiles[:20]}... has {len(smiles):,} characters; at most {LONGEST:,} are read as SMILES."
        )
    if len(smiles.split()) > 1:
        raise ChemistryError(f"cannot read {smiles!r} as SMILES: it has a blank in it.", "Give the SMILES alone.")
    if not (smiles.isascii() and smiles.isprintable()):
        raise ChemistryError(f"cannot read {smiles!r} as SMILES: it has characters that no SMILES has.")
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise ChemistryError(f"cannot read {smiles!r} as SMILES.", "Check brackets, ring closures and valences.")
    return mol


def strip_maps(smiles: str) -> str:
    """Return the text without atom-map numbers."""
    return _MAP.sub("]", smiles)


def map_numbers(smiles: str) -> set[int]:
    """Return all atom-map numbers of a text, 0 excluded."""
    return {int(number) for number in _MAP.findall(smiles)} - {0}


def canonicalize(smiles: str, *, stereo: bool = True) -> str:
    """Return the canonical spelling: maps removed, components sorted, multiplicity kept.

    Args:
        smiles: One or more components joined by ``.``.
        stereo: Keep stereo centres, double-bond geometry and isotopes (RDKit's isomeric SMILES).

    Raises:
        ChemistryError: The text cannot be read.
    """
    return ".".join(components(smiles, stereo=stereo))


def components(smiles: str, *, stereo: bool = True) -> tuple[str, ...]:
    """Return the canonical components, sorted, with multiplicity; raises as :func:`canonicalize`."""
    return _components(smiles, stereo)


def without_stereo(canonical: str) -> str:
    """Return the stereo-free spelling of a canonical one: nothing is read again where it has no mark of stereo."""
    return canonicalize(canonical, stereo=False) if _STEREO.search(canonical) else canonical


def canonical_or_none(smiles: str, *, stereo: bool = True) -> str | None:
    """Return :func:`canonicalize`, or None where the text cannot be read."""
    try:
        return canonicalize(smiles, stereo=stereo)
    except ChemistryError:
        return None


@lru_cache(maxsize=65_536)
def _components(smiles: str, stereo: bool) -> tuple[str, ...]:
    try:
        return tuple(sorted(_canonical_component(part, stereo) for part in smiles.split(".")))
    except ChemistryError:
        # Ring closures may run across dots (C1.C1 is ethane): let RDKit find the true fragments, or refuse.
        fragments = Chem.GetMolFrags(parse(strip_maps(smiles)), asMols=True)
        if len(fragments) == smiles.count(".") + 1:
            raise
        return tuple(sorted(_canonical_component(Chem.MolToSmiles(f), stereo) for f in fragments))


@lru_cache(maxsize=262_144)
def _canonical_component(smiles: str, stereo: bool) -> str:
    marked = _STEREO.search(smiles) is not None
    text = Chem.MolToSmiles(parse(strip_maps(smiles)), isomericSmiles=stereo)
    # Dropping maps or stereo can create symmetry: one more reading settles the marks that are left.
    return Chem.MolToSmiles(parse(text), isomericSmiles=stereo) if marked else text


def randomize(smiles: str, rng: random.Random) -> str:
    """Return an equivalent spelling: every component from a random root, components shuffled."""
    parts = list(components(smiles))
    rng.shuffle(parts)
    return ".".join(_random_spelling(part, rng) for part in parts)


def _random_spelling(component: str, rng: random.Random) -> str:
    mol = parse(component)
    return root_molecule(mol, rng.randrange(mol.GetNumAtoms()))


def root_molecule(mol: Chem.Mol, atom: int) -> str:
    """Return the spelling of one connected, unmapped molecule that starts at the given atom index.

    Branches follow RDKit's canonical ranks, so the spelling is a function of the molecule and its root alone.
    """
    return Chem.MolToSmiles(mol, rootedAtAtom=atom)


def rooted_spellings(smiles: str, count: int) -> list[str]:
    """Return up to ``count`` distinct spellings of one or more components; the canonical one first.

    Roots are spread evenly over the atoms of the largest component and use the query alone, so this serves
    test-time augmentation without a leak. The other components keep their canonical spelling and sorted place.
    """
    parts = list(components(smiles))
    spellings = {".".join(parts): None}
    largest = max(range(len(parts)), key=lambda i: len(parts[i]))
    mol = parse(parts[largest])
    for atom in _spread(mol.GetNumAtoms(), count):
        if len(spellings) >= count:
            break
        spelling = root_molecule(mol, atom)
        spellings[".".join([*parts[:largest], spelling, *parts[largest + 1 :]])] = None
    return list(spellings)[:count]


def _spread(atoms: int, count: int) -> Sequence[int]:
    """Order all atom indices so that every prefix of the order is spread over the molecule."""
    step = max(1, atoms // max(1, count))
    first = list(range(0, atoms, step))
    return first + [i for i in range(atoms) if i % step]
