"""Reaction templates: extracted from mapped reactions, applied backwards to products and forwards to precursors.

A template is retrosynthetic SMARTS, ``product pattern >> reactant patterns``, as rdchiral writes it (Coley, Green and
Jensen, J. Chem. Inf. Model. 2019, 59, 2529): reaction centre with one bond around it on the reactant side, leaving
groups whole. Applied through rdchiral, stereo centres are kept, inverted or created as the template says.

A *local* template has no bond around the reaction centre (the idea of LocalRetro, Chen and Jung, JACS Au 2021, 1,
1612). There are far fewer of them, they fit in many places, and so the place where one applies is told with its answer.
"""

import contextlib
import importlib.util
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any, Literal

import numpy as np
from rdkit import Chem

from retort.chem.smiles import canonical_or_none, components, parse
from retort.errors import ChemistryError

Direction = Literal["retro", "forward"]

_STEREO = frozenset("@/\\")
MAX_OUTCOMES = 64  # raw matches of one template on one molecule, symmetric repeats included
MAX_CHANGED_BONDS = 16  # beyond this a "reaction" is a wrong atom map, and matching its fragments may take minutes
MAX_ATOMS = 200  # mapped product atoms


@dataclass(frozen=True, slots=True)
class NoTemplate:
    """A reaction from which no template could be taken, and why."""

    reason: str


def extract_template(mapped: str, *, local: bool = False) -> str | NoTemplate:
    """Return the retro template of ``reactants>>product`` with atom maps; the same text always gives the same one.

    Reactant atoms whose map number is not in the product count as leaving; reactants without any product atom are
    left out.
    """
    reactants, arrow, product = mapped.partition(">>")
    try:
        sides = (parse(reactants), parse(product)) if arrow else None
    except ChemistryError:
        return NoTemplate("unreadable")
    if sides is None or "." in product:
        return NoTemplate("several products" if sides else "not a reaction")
    if sides[1].GetNumAtoms() > MAX_ATOMS:
        return NoTemplate("product too large")
    kept = {atom.GetAtomMapNum() for atom in sides[1].GetAtoms()} - {0}
    if _changed_bonds(*sides, kept) > MAX_CHANGED_BONDS:
        return NoTemplate("too many changed bonds")
    return _extract(_contributing(sides[0], kept), product, local)


def _contributing(reactants: Chem.Mol, kept: set[int]) -> str:
    """Return the reactants that give atoms to the product; the other map numbers are removed."""
    for atom in reactants.GetAtoms():
        if atom.GetAtomMapNum() not in kept:
            atom.SetAtomMapNum(0)
    parts = Chem.GetMolFrags(reactants, asMols=True, sanitizeFrags=False)
    giving = [part for part in parts if any(atom.GetAtomMapNum() for atom in part.GetAtoms())]
    return ".".join(Chem.MolToSmiles(part) for part in giving)


def _changed_bonds(reactants: Chem.Mol, product: Chem.Mol, kept: set[int]) -> int:
    """Count bonds between kept atoms that are formed or broken (changes of order are not counted)."""
    before, after = ({bond for bond in _mapped_bonds(mol) if bond <= kept} for mol in (reactants, product))
    return len(before ^ after)


def _mapped_bonds(mol: Chem.Mol) -> Iterator[frozenset[int]]:
    for bond in mol.GetBonds():
        yield frozenset((bond.GetBeginAtom().GetAtomMapNum(), bond.GetEndAtom().GetAtomMapNum()))


def _extract(reactants: str, product: str, local: bool) -> str | NoTemplate:
    extract = _rdchiral_extractor(local)
    state = np.random.get_state()  # noqa: NPY002  # rdchiral shuffles stereo centres with the global generator
    np.random.seed(0)  # noqa: NPY002
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = extract({"_id": 0, "reactants": reactants, "products": product})
    except Exception as error:  # the extractor raises whatever RDKit or an odd map makes it raise
        return NoTemplate(f"extractor failed: {type(error).__name__}")
    finally:
        np.random.set_state(state)  # noqa: NPY002
    smarts = (found or {}).get("reaction_smarts")
    return str(smarts) if smarts else NoTemplate("no change that a template can hold")


@lru_cache(maxsize=2)
def _rdchiral_extractor(local: bool) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """Return rdchiral's extractor; a local one is a second copy of the module that looks no bond further."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes in rdchiral's source
        spec = importlib.util.find_spec("rdchiral.template_extractor")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    if local:
        names = vars(module)
        fragments = names["get_fragments_for_changed_atoms"]
        names["get_fragments_for_changed_atoms"] = lambda *given, **named: fragments(*given, **named | {"radius": 0})
    extractor: Callable[[dict[str, Any]], dict[str, Any] | None] = module.extract_from_reaction
    return extractor


class Substrate:
    """What templates are applied to: one product (retro), or all precursors together (forward).

    Args:
        smiles: Components joined by ``.``.

    Raises:
        ChemistryError: The text cannot be read.
    """

    def __init__(self, smiles: str) -> None:
        self.components = components(smiles)
        self.smiles = ".".join(self.components)
        self.mol = parse(self.smiles)

    @cached_property
    def prepared(self) -> Any:
        """The substrate as rdchiral wants it; made once for all templates."""
        from rdchiral.initialization import rdchiralReactants

        return rdchiralReactants(self.smiles)

    @cached_property
    def flat(self) -> bool:
        """Whether nothing is said about stereo."""
        return _STEREO.isdisjoint(self.smiles)

    @cached_property
    def ranks(self) -> list[int]:
        """Symmetry class of every atom; atoms that differ in stereo alone have different classes."""
        return list(Chem.CanonicalRankAtoms(self.prepared.reactants, breakTies=False, includeAtomMaps=False))


class Template:
    """One template in one direction; patterns and reactions are compiled when they are first needed.

    Args:
        smarts: Retrosynthetic SMARTS, ``product >> reactants``.
        direction: ``retro`` matches the product side, ``forward`` the reactant side.
    """

    def __init__(self, smarts: str, direction: Direction) -> None:
        product, _, reactants = smarts.partition(">>")
        self.smarts, self.direction = smarts, direction
        self.start, self.end = (product, reactants) if direction == "retro" else (reactants, product)

    @cached_property
    def _pattern(self) -> Chem.Mol | None:
        return Chem.MolFromSmarts(self.start)

    def matches(self, substrate: Substrate) -> bool:
        """Return whether the pattern occurs at all; quick, and False for a template that cannot be compiled."""
        return self._pattern is not None and substrate.mol.HasSubstructMatch(self._pattern)

    def apply(self, substrate: Substrate) -> tuple[str, ...]:
        """Return the distinct answers, canonical and sorted; at most ``MAX_OUTCOMES`` matches are tried.

        Retro answers are whole reactant sets. Forward answers are one product each: the largest fragment that
        the template makes; precursors that do not react are dropped, and so is a "product" that was given.
        """
        if not self.matches(substrate):
            return ()
        read = _read_reactants if self.direction == "retro" else _read_product
        compiled = _compile(self.start, self.end)
        outcomes = compiled.run(substrate) if compiled else []
        answers = (read(outcome, substrate) for outcome in outcomes)
        return tuple(dict.fromkeys(answer for answer in answers if answer is not None))

    def places(self, substrate: Substrate) -> dict[str, frozenset[int]]:
        """Return answer -> the atoms of the substrate that the template names wherever it gives this answer.

        Answers are those of :meth:`apply`; atoms count from 0 in the order of the canonical spelling.
        """
        if not self.matches(substrate):
            return {}
        read = _read_reactants if self.direction == "retro" else _read_product
        compiled = _compile(self.start, self.end)
        found: dict[str, frozenset[int]] = {}
        for outcome, atoms in compiled.places(substrate) if compiled else ():
            answer = read(outcome, substrate)
            if answer is not None:
                found[answer] = found.get(answer, frozenset()) | atoms
        return found


class _Compiled:
    """A template as rdchiral wants it, with the raw matches bounded and freed of repeats by symmetry.

    Where neither template nor substrate says anything about stereo, RDKit's own outcomes are what rdchiral would
    return, at a tenth of the time, unless a match needs one of rdchiral's repairs (:meth:`_needs_repair`).
    """

    _lock = threading.Lock()  # rdchiral renumbers the template's atoms while it runs

    def __init__(self, start: str, end: str) -> None:
        from rdchiral.initialization import rdchiralReaction

        self._chiral = rdchiralReaction(f"({start})>>{end}")
        self._reaction = self._chiral.rxn
        self._flat = _STEREO.isdisjoint(start + end)
        self._bonds = set(_mapped_bonds(self._chiral.template_r))
        kept = set(self._chiral.atoms_rt_map)
        self._added = sum(atom.GetAtomMapNum() not in kept for atom in self._chiral.template_p.GetAtoms())

    def run(self, substrate: Substrate) -> list[str]:
        """Return the outcomes as SMILES, sorted; empty where the template does not fit the molecule after all."""
        with self._lock:
            self._chiral.reset()
            found = self._run_flat(substrate) if self._flat and substrate.flat else None
            return sorted(self._run_chiral(substrate) if found is None else found)

    def places(self, substrate: Substrate) -> list[tuple[str, frozenset[int]]]:
        """Return the outcomes as SMILES, sorted, each with the atoms of all matches that are alike by symmetry."""
        with self._lock:
            self._chiral.reset()
            flat = self._flat and substrate.flat
            mol = substrate.mol if flat else substrate.prepared.reactants_achiral
            sites: dict[tuple[object, ...], list[tuple[Chem.Mol, ...]]] = {}
            for raw in self._reaction.RunReactants((mol,), maxProducts=MAX_OUTCOMES):
                sites.setdefault(_symmetry_key(raw, substrate.ranks), []).append(raw)
            return sorted(
                (outcome, frozenset(atom for raw in alike for _, atom in _matched(raw)))
                for alike in sites.values()
                for outcome in self._made_by(alike[0], substrate, flat)
            )

    def _made_by(self, raw: tuple[Chem.Mol, ...], substrate: Substrate, flat: bool) -> list[str]:
        """Return what one match makes."""
        if flat and not self._needs_repair(raw, substrate):
            made = _spell(raw)
            return [made] if made else []
        return self._repaired([raw], substrate)

    def _run_flat(self, substrate: Substrate) -> set[str] | None:
        """Return RDKit's outcomes; None where rdchiral is needed."""
        outcomes = self._reaction.RunReactants((substrate.mol,), maxProducts=MAX_OUTCOMES)
        if any(self._needs_repair(outcome, substrate) for outcome in outcomes):
            return None
        return set(filter(None, map(_spell, outcomes)))

    def _needs_repair(self, outcome: tuple[Chem.Mol, ...], substrate: Substrate) -> bool:
        """Whether fragments share atoms, or a bond that the template does not name was lost between matched atoms."""
        if len(outcome) > 1 and sum(m.GetNumAtoms() for m in outcome) != substrate.mol.GetNumAtoms() + self._added:
            return True
        pairs = combinations(_matched(outcome), 2)
        return any(
            substrate.mol.GetBondBetweenAtoms(i, j) is not None and frozenset((m, n)) not in self._bonds
            for (m, i), (n, j) in pairs
        )

    def _run_chiral(self, substrate: Substrate) -> list[str]:
        raw = self._reaction.RunReactants((substrate.prepared.reactants_achiral,), maxProducts=MAX_OUTCOMES)
        distinct = {_symmetry_key(outcome, substrate.ranks): outcome for outcome in raw}
        return self._repaired(list(distinct.values()), substrate)

    def _repaired(self, raw: list[tuple[Chem.Mol, ...]], substrate: Substrate) -> list[str]:
        """Return what rdchiral makes of raw outcomes."""
        from rdchiral.main import rdchiralRun

        self._chiral.rxn = _Replay(raw)
        try:
            return list(rdchiralRun(self._chiral, substrate.prepared, combine_enantiomers=False))
        except Exception:  # rdchiral and RDKit raise many kinds on odd matches; such a match has no answer
            return []


def _spell(outcome: tuple[Chem.Mol, ...]) -> str | None:
    try:
        for mol in outcome:
            Chem.SanitizeMol(mol)
    except ValueError:  # a valence or aromatic system that cannot be
        return None
    return ".".join(map(Chem.MolToSmiles, outcome))


@dataclass(frozen=True, slots=True)
class _Replay:
    """Stands where rdchiral keeps its RDKit reaction and hands over outcomes that are already there."""

    outcomes: list[tuple[Chem.Mol, ...]]

    def RunReactants(self, _: tuple[Chem.Mol, ...]) -> list[tuple[Chem.Mol, ...]]:  # noqa: N802  # RDKit's name
        return self.outcomes


def _symmetry_key(outcome: tuple[Chem.Mol, ...], ranks: list[int]) -> tuple[object, ...]:
    """Two outcomes with one key come from matches that a symmetry of the substrate maps onto each other."""
    places = sorted((number, ranks[atom]) for number, atom in _matched(outcome))
    return (*places, *(Chem.MolToSmiles(mol) for mol in outcome))


def _matched(outcome: tuple[Chem.Mol, ...]) -> list[tuple[int, int]]:
    """Return (template map number, substrate atom) of the atoms that the template names on both sides."""
    atoms = [atom for mol in outcome for atom in mol.GetAtoms() if atom.HasProp("old_mapno")]
    named = [atom for atom in atoms if atom.HasProp("react_atom_idx")]
    return [(atom.GetIntProp("old_mapno"), atom.GetIntProp("react_atom_idx")) for atom in named]


@lru_cache(maxsize=4096)
def _compile(start: str, end: str) -> _Compiled | None:
    try:
        return _Compiled(start, end)
    except Exception:  # RDKit or rdchiral refuses the SMARTS; such a template never answers
        return None


def _read_reactants(outcome: str, substrate: Substrate) -> str | None:
    answer = canonical_or_none(outcome)
    return answer if answer != substrate.smiles else None


def _read_product(outcome: str, substrate: Substrate) -> str | None:
    answer = canonical_or_none(outcome)
    if answer is None:
        return None
    largest = max(answer.split("."), key=lambda part: (parse(part).GetNumHeavyAtoms(), part))
    return largest if largest not in substrate.components else None
