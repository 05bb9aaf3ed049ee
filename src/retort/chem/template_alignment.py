"""Atom maps for unmapped reactions: find the retro template that turns the product into the given reactants.

A template is tried where it makes exactly the atoms and bonds by which some of the precursors differ from the
product, so few are. It counts only if it gives these very precursors (stereo aside); then every product atom is
traced back to the reactant atom it came from. Where several sites would do, which symmetry alone can cause, any one is
taken: maps serve the alignment of spellings, and are no statement about a mechanism.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdChemReactions

from retort.chem.smiles import canonicalize, components, parse
from retort.errors import ChemistryError

MAX_PRECURSORS = 12  # longer lists are not searched: the number of subsets explodes
MAX_REACTANTS = 4  # precursors that give atoms to the product
MAX_OUTCOMES = 64  # sites of one template in one product
MAX_TEMPLATES = 200  # of one change, most frequent first

Bond = tuple[int, int, int]
"""Atomic numbers of both ends, the smaller one first, and RDKit's number of the kind of bond."""

Change = tuple[frozenset[tuple[int, int]], frozenset[tuple[Bond, int]]]
"""Atoms lost on the way from the reactants to the product, and bonds lost (or gained: negative), with counts."""

_ATOM = re.compile(r"\[([^\]:]+)(:\d+)?\]")
_HYDROGENS = re.compile(r"(?<=[A-Za-z@])H\d*(?=[+-]|$)")


class _Template:
    """One template; its reaction is compiled when it is first tried."""

    def __init__(self, start: str, end: str, pattern: Chem.Mol) -> None:
        self._sides = (start, end)
        self.pattern = pattern

    @cached_property
    def reaction(self) -> Any:
        """The template as RDKit runs it; None where RDKit refuses it."""
        try:
            reaction = rdChemReactions.ReactionFromSmarts("({})>>{}".format(*self._sides))
            reaction.Initialize()
        except (ValueError, RuntimeError):
            return None
        return reaction


@dataclass(frozen=True)
class _Content:
    """Atoms and bonds of a molecule or pattern, counted."""

    atoms: Counter[int]
    bonds: Counter[Bond]


class TemplateAligner:
    """Retro templates, found by what they change.

    Args:
        templates: Retro SMARTS ``product >> reactants``, the most frequent first; unreadable ones never match.
    """

    def __init__(self, templates: Sequence[str]) -> None:
        self._by_change: dict[Change, list[_Template]] = {}
        for smarts in dict.fromkeys(map(relax, templates)):
            start, _, end = smarts.partition(">>")
            before, after = Chem.MolFromSmarts(end), Chem.MolFromSmarts(start)
            if before is not None and after is not None:
                change = _change([_content(before)], _content(after))
                self._by_change.setdefault(change, []).append(_Template(start, end, after))

    def align(self, precursors: Sequence[str], products: Sequence[str]) -> str | None:
        """Return mapped ``reactants>>products`` of the precursors that give atoms, or None where no template fits.

        Args:
            precursors: Unmapped components; some may be reagents.
            products: Unmapped components; the largest one is mapped.
        """
        parts = [part for compound in precursors for part in components(compound)]
        made = sorted((part for compound in products for part in components(compound)), key=len, reverse=True)
        if not made or len(parts) > MAX_PRECURSORS:
            return None
        product, *others = made
        mol = parse(product)
        flat = Chem.Mol(mol)
        Chem.RemoveStereochemistry(flat)
        for chosen in self._subsets(parts, product):
            wanted = sorted(canonicalize(part, stereo=False) for part in chosen[0])
            for template in chosen[1]:
                outcome = _outcome(template, flat, wanted)
                if outcome is not None:
                    return f"{_write_reactants(outcome, chosen[0])}>>{'.'.join([_write_product(mol), *others])}"
        return None

    def _subsets(self, parts: Sequence[str], product: str) -> Iterator[tuple[tuple[str, ...], list[_Template]]]:
        """Yield the sets of precursors that differ from the product as some template says, with these templates."""
        needed = _molecule_content(product)
        for size in range(1, min(MAX_REACTANTS, len(parts)) + 1):
            for chosen in dict.fromkeys(combinations(parts, size)):
                contents = [_molecule_content(part) for part in chosen]
                if any(sum(c.atoms[z] for c in contents) < n for z, n in needed.atoms.items()):
                    continue
                fitting = self._by_change.get(_change(contents, needed), [])
                if fitting:
                    yield chosen, fitting[:MAX_TEMPLATES]


def relax(smarts: str) -> str:
    """Drop what a template says about hydrogens, degrees and stereo, which the answer is checked for anyway.

    Hydrogens of aromatic atoms on the reactant side stay: without them a ring cannot be read.
    """
    start, arrow, end = smarts.partition(">>")
    return f"{_ATOM.sub(_relax_atom, _flat(start))}{arrow}{_ATOM.sub(_relax_aliphatic, _flat(end))}"


def _flat(smarts: str) -> str:
    return smarts.replace("@", "").replace("/", "-").replace("\\", "-").replace("--", "-")


def _relax_aliphatic(match: re.Match[str]) -> str:
    return match.group() if match.group(1)[0].islower() else _relax_atom(match)


def _relax_atom(match: re.Match[str]) -> str:
    symbol, *features = match.group(1).split(";")
    kept = [feature for feature in features if not re.fullmatch(r"[DH]\d*", feature)]
    return f"[{';'.join([_HYDROGENS.sub('', symbol), *kept])}{match.group(2) or ''}]"


def _content(mol: Chem.Mol) -> _Content:
    return _Content(Counter(atom.GetAtomicNum() for atom in mol.GetAtoms()), Counter(map(_kind, mol.GetBonds())))


def _kind(bond: Chem.Bond) -> Bond:
    one, other = sorted((bond.GetBeginAtom().GetAtomicNum(), bond.GetEndAtom().GetAtomicNum()))
    return one, other, int(bond.GetBondType())


@lru_cache(maxsize=65_536)
def _molecule_content(smiles: str) -> _Content:
    return _content(parse(smiles))


def _change(before: Sequence[_Content], after: _Content) -> Change:
    atoms: Counter[int] = Counter()
    bonds: Counter[Bond] = Counter()
    for content in before:
        atoms.update(content.atoms)
        bonds.update(content.bonds)
    atoms.subtract(after.atoms)
    bonds.subtract(after.bonds)
    return frozenset((z, n) for z, n in atoms.items() if n), frozenset((b, n) for b, n in bonds.items() if n)


def _outcome(template: _Template, product: Chem.Mol, wanted: list[str]) -> tuple[Chem.Mol, ...] | None:
    """Return the first outcome that is the wanted molecules, its atoms tagged with the product atoms they were."""
    if not product.HasSubstructMatch(template.pattern) or template.reaction is None:
        return None
    for outcome in template.reaction.RunReactants((product,), maxProducts=MAX_OUTCOMES):
        try:
            for mol in outcome:
                Chem.SanitizeMol(mol)
            fragments = [fragment for mol in outcome for fragment in Chem.GetMolFrags(mol, asMols=True)]
            found = sorted(canonicalize(Chem.MolToSmiles(f), stereo=False) for f in fragments)
        except (ValueError, ChemistryError):
            continue
        if found == wanted:
            return tuple(fragments)
    return None


def _write_product(mol: Chem.Mol) -> str:
    return _write_mapped(mol, [atom.GetIdx() + 1 for atom in mol.GetAtoms()])


def _write_reactants(outcome: Sequence[Chem.Mol], chosen: Sequence[str]) -> str:
    """Carry the tags of an outcome over to the precursors as given, which may have stereo."""
    left = list(outcome)
    texts: list[str] = []
    for part in chosen:
        mol = parse(part)
        match = next((f for f in left if f.GetNumAtoms() == mol.GetNumAtoms() and mol.HasSubstructMatch(f)), None)
        if match is None:
            raise ChemistryError(f"{part!r} is not among the molecules that were found for it.")
        left.remove(match)
        maps = [0] * mol.GetNumAtoms()
        for atom, place in zip(match.GetAtoms(), mol.GetSubstructMatch(match), strict=True):
            maps[place] = atom.GetIntProp("react_atom_idx") + 1 if atom.HasProp("react_atom_idx") else 0
        texts.append(_write_mapped(mol, maps))
    return ".".join(texts)


def _write_mapped(mol: Chem.Mol, maps: Sequence[int]) -> str:
    mapped = Chem.Mol(mol)
    for atom, number in zip(mapped.GetAtoms(), maps, strict=True):
        atom.SetAtomMapNum(number)
    return Chem.MolToSmiles(mapped)
