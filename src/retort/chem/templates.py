"""Reaction templates: extracted from mapped reactions, applied backwards to products and forwards to precursors.

A template is retrosynthetic SMARTS, ``product pattern >> reactant patterns``, as rdchiral writes it (Coley, Green and
Jensen, J. Chem. Inf. Model. 2019, 59, 2529): reaction centre with one bond around it on the reactant side, leaving
groups whole. Applied through rdchiral, stereo centres are kept, inverted or created as the template says.
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from rdkit import Chem

from retort.chem.smiles import canonical_or_none, components, parse
from retort.errors import ChemistryError

Direction = Literal["retro", "forward"]

MAX_OUTCOMES = 64  # raw matches of one template on one molecule, symmetric repeats included
MAX_CHANGED_BONDS = 16  # beyond this a "reaction" is a wrong atom map, and matching its fragments may take minutes
MAX_ATOMS = 200  # mapped product atoms


@dataclass(frozen=True, slots=True)
class NoTemplate:
    """A reaction from which no template could be taken, and why."""

    reason: str


def extract_template(mapped: str) -> str | NoTemplate:
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
    return _extract(_contributing(sides[0], kept), product)


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


def _extract(reactants: str, product: str) -> str | NoTemplate:
    extract = _rdchiral_extractor()
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


@lru_cache(maxsize=1)
def _rdchiral_extractor() -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes in rdchiral's source
        from rdchiral.template_extractor import extract_from_reaction
    extractor: Callable[[dict[str, Any]], dict[str, Any] | None] = extract_from_reaction
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
        self.direction = direction
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
        compiled = _compile(f"({self.start})>>{self.end}")
        outcomes = compiled.run(substrate) if compiled else []
        answers = (read(outcome, substrate) for outcome in outcomes)
        return tuple(dict.fromkeys(answer for answer in answers if answer is not None))


class _Compiled:
    """A template as rdchiral wants it, with the raw matches bounded and freed of repeats by symmetry."""

    _lock = threading.Lock()  # rdchiral renumbers the template's atoms while it runs

    def __init__(self, smarts: str) -> None:
        from rdchiral.initialization import rdchiralReaction

        self._chiral = rdchiralReaction(smarts)
        self._reaction = self._chiral.rxn

    def run(self, substrate: Substrate) -> list[str]:
        """Return rdchiral's outcomes, sorted; empty where the template does not fit the molecule after all."""
        from rdchiral.main import rdchiralRun

        with self._lock:
            self._chiral.reset()
            raw = self._reaction.RunReactants((substrate.prepared.reactants_achiral,), maxProducts=MAX_OUTCOMES)
            distinct = {_symmetry_key(outcome, substrate.ranks): outcome for outcome in raw}
            self._chiral.rxn = _Replay(list(distinct.values()))
            try:
                return sorted(rdchiralRun(self._chiral, substrate.prepared, combine_enantiomers=False))
            except Exception:  # rdchiral and RDKit raise many kinds on odd matches; such a match has no answer
                return []


@dataclass(frozen=True, slots=True)
class _Replay:
    """Stands where rdchiral keeps its RDKit reaction and hands over outcomes that are already there."""

    outcomes: list[tuple[Chem.Mol, ...]]

    def RunReactants(self, _: tuple[Chem.Mol, ...]) -> list[tuple[Chem.Mol, ...]]:  # noqa: N802  # RDKit's name
        return self.outcomes


def _symmetry_key(outcome: tuple[Chem.Mol, ...], ranks: list[int]) -> tuple[object, ...]:
    """Two outcomes with one key come from matches that a symmetry of the substrate maps onto each other."""
    matched = [a for mol in outcome for a in mol.GetAtoms() if a.HasProp("old_mapno") and a.HasProp("react_atom_idx")]
    places = [(atom.GetIntProp("old_mapno"), ranks[atom.GetIntProp("react_atom_idx")]) for atom in matched]
    return (*sorted(places), *(Chem.MolToSmiles(mol) for mol in outcome))


@lru_cache(maxsize=4096)
def _compile(smarts: str) -> _Compiled | None:
    try:
        return _Compiled(smarts)
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
