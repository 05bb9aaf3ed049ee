"""Routes as immutable trees: a molecule is in stock or made by a step, whose reactants are molecules again.

Needs nothing but the standard library; the form in which routes are exchanged is written here.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retort.inference.prediction import Candidate

LEAST, MOST = 1e-10, 0.999  # a probability's range in costs: no step is impossible, none is free


@dataclass(frozen=True, slots=True)
class Step:
    """One reaction of a route.

    Attributes:
        product: Canonical SMILES of what is made.
        candidate: The answer of the model that proposes it: reactants, rank, score, confidence, proposer.
        reactants: Its reactants as molecules of the route, in the order of the candidate, as often as they are needed.
    """

    product: str
    candidate: Candidate
    reactants: tuple["Molecule", ...]

    @property
    def reaction(self) -> str:
        """Reaction SMILES, ``reactants>>product``."""
        return f"{self.candidate.smiles}>>{self.product}"

    @property
    def cost(self) -> float:
        """Cost of the step; see :func:`cost_of`."""
        return cost_of(self.candidate)


@dataclass(frozen=True, slots=True)
class Molecule:
    """A molecule in its place of a route.

    Attributes:
        smiles: Canonical SMILES.
        in_stock: It can be taken from the stock.
        step: How it is made; None where it is a leaf.
    """

    smiles: str
    in_stock: bool
    step: Step | None = None

    def walk(self) -> Iterator["Molecule"]:
        """Yield this molecule and all below it, parents first."""
        yield self
        for reactant in self.step.reactants if self.step else ():
            yield from reactant.walk()

    def height(self) -> int:
        """Return the number of steps on the longest way down to a leaf."""
        return 0 if self.step is None else 1 + max(reactant.height() for reactant in self.step.reactants)


@dataclass(frozen=True)
class Route:
    """A whole way from stock to target."""

    target: Molecule

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Distinct steps in the order of the flask: what a step needs is made before it, and once."""
        every = [molecule.step for molecule in self.target.walk() if molecule.step]
        return tuple({step.reaction: step for step in reversed(every)}.values())

    @cached_property
    def leaves(self) -> tuple[Molecule, ...]:
        """Distinct starting materials, in the order of the tree."""
        every = (molecule for molecule in self.target.walk() if molecule.step is None)
        return tuple({leaf.smiles: leaf for leaf in every}.values())

    @property
    def solved(self) -> bool:
        """Every starting material is in stock."""
        return all(leaf.in_stock for leaf in self.leaves)

    @property
    def depth(self) -> int:
        """Steps on the longest way from a starting material to the target."""
        return self.target.height()

    @property
    def cost(self) -> float:
        """Sum of the costs of the distinct steps."""
        return sum(step.cost for step in self.steps)

    @property
    def confidence(self) -> float | None:
        """Product of the confidences of the steps; None where a step has none."""
        confidences = [step.candidate.confidence for step in self.steps]
        return None if None in confidences else math.prod(filter(None, confidences))

    @property
    def text(self) -> str:
        """All reactions, sorted: two routes with one text are the same."""
        return " ".join(sorted(step.reaction for step in self.steps))

    def common_form(self, notes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Return the tree as AiZynthFinder and PaRoutes write routes: molecules and reactions by turns.

        A reaction's ``smiles`` is ``product>>reactants``, as there; ``rsmi`` among its metadata is the reaction itself.

        Args:
            notes: Reaction -> further metadata, see :mod:`retort.inference.planning.explaining`.
        """
        scores = {"number of reactions": len(self.steps), "cost": round(self.cost, 6)}
        return {**_molecule(self.target, notes or {}), "scores": scores, "metadata": {"is_solved": self.solved}}


def probability_of(candidate: Candidate) -> float:
    """Return the calibrated confidence, or e to the power of the score where no calibration was fitted."""
    raw = candidate.confidence if candidate.confidence is not None else math.exp(min(candidate.score, 0.0))
    return min(max(raw, LEAST), MOST)


def cost_of(candidate: Candidate) -> float:
    """Return the negative logarithm of :func:`probability_of`."""
    return -math.log(probability_of(candidate))


def _molecule(molecule: Molecule, notes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    own = {"type": "mol", "hide": False, "smiles": molecule.smiles, "is_chemical": True, "in_stock": molecule.in_stock}
    return own | ({"children": [_reaction(molecule.step, notes)]} if molecule.step else {})


def _reaction(step: Step, notes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    candidate = step.candidate
    metadata = {
        "rsmi": step.reaction,
        "policy_name": candidate.proposer,
        "policy_probability": round(probability_of(candidate), 6),
        "policy_probability_rank": candidate.rank - 1,
        "confidence": candidate.confidence,
        "score": round(candidate.score, 6),
        **notes.get(step.reaction, {}),
    }
    return {
        "type": "reaction",
        "hide": False,
        "smiles": f"{step.product}>>{candidate.smiles}",
        "is_reaction": True,
        "metadata": metadata,
        "children": [_molecule(reactant, notes) for reactant in step.reactants],
    }
