"""What an aligner is: it gives unmapped reactions an atom mapping, for the alignment of their spellings alone.

An aligner is one file of ``aligners/`` that binds ``ALIGNER``, a function that builds it. Whatever it answers is held
against the record: a mapping that does not name the same molecules counts as none.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retort.chem.mapping import split_roles
from retort.chem.reaction import Reaction
from retort.chem.smiles import components, map_numbers
from retort.errors import ChemistryError
from retort.registry import Registry


class Aligner(Protocol):
    """Maps reactions.

    Attributes:
        name: Name of the file in ``aligners/``.
    """

    name: str

    def align(self, reactions: Sequence[Reaction]) -> list[str | None]:
        """Return mapped ``reactants>>products`` per reaction, in order; None where no mapping was found.

        Only reactants that give atoms to the product are written, and both sides share their map numbers.

        Raises:
            DataError: The aligner as a whole fails, as when its process dies.
        """
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What an aligner may need.

    Attributes:
        templates: Retro SMARTS from train rows with maps, the most frequent first.
        python: An interpreter that has the package of the aligner, where that is another than ours.
    """

    templates: Sequence[str] = ()
    python: Path | None = None


AlignerFactory = Callable[[Means], Aligner]
"""Builds an aligner; raises ConfigError where what it needs was not given."""

ALIGNERS: Registry[AlignerFactory] = Registry("aligner", "retort.data.aligners", "ALIGNER")
"""The aligners: one file each, binding ``ALIGNER``."""


def build_aligner(name: str, *, templates: Sequence[str] = (), python: Path | None = None) -> Aligner:
    """Build an aligner by name.

    Args:
        name: ``none``, ``template``, ``correspondence`` or ``rxnmapper``, or the name of an entry point.
        templates: Retro SMARTS from train rows with maps, the most frequent first (``template``).
        python: An interpreter that has the package rxnmapper (``rxnmapper``).

    Raises:
        UnknownNameError: No aligner bears the name.
        ConfigError: What this aligner needs was not given.
    """
    return ALIGNERS.get(name)(Means(templates, python))


def same_molecules(reaction: Reaction, mapped: str) -> str | None:
    """Return a mapping reduced to the reactants that contribute, or None where it is not one of this reaction.

    Products must be those of the record, reactants among those of the record, both stereo included and with
    multiplicity; no map number may stand twice on one side.
    """
    reactants, arrow, products = mapped.partition(">>")
    contributing, _ = split_roles(reactants.split("."), map_numbers(products))
    if not arrow or not contributing:
        return None
    sides = (".".join(contributing), products)
    if any(side.count(f":{number}]") > 1 for side in sides for number in map_numbers(side)):
        return None
    try:
        precursors, made = (Counter(components(side)) for side in sides)
        known, wanted = (Counter(components(".".join(role))) for role in (reaction.reactants, reaction.products))
    except ChemistryError:
        return None
    return ">>".join(sides) if made == wanted and precursors <= known else None
