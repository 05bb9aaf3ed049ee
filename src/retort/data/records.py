"""The values that travel through data preparation: raw row -> record (or rejection) -> example."""

from dataclasses import dataclass
from typing import Literal

from retort.chem.reaction import Reaction

Roles = Literal["given", "from_maps", "mixed"]
"""How a source tells reactants from reagents: written apart; by atom maps; not at all."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One reaction as a source's file has it.

    Attributes:
        id: ``source:split:line`` or the source's own identifier; unique within the source.
        split: ``train``, ``valid`` or ``test`` as published, or ``all`` where none is published.
        reaction: Reaction SMILES as written; may carry atom maps and fragment groups.
        roles: How reactants are told from reagents; ``mixed`` rows keep all precursors as reactants.
        mapped: A mapped spelling from another file, where the source has one.
        reaction_class: Curated class, where the source has one.
        origin: Patent, notebook or file identifier, for precedents.
    """

    id: str
    split: str
    reaction: str
    roles: Roles = "given"
    mapped: str | None = None
    reaction_class: int | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One clean reaction: canonical, unmapped, components sorted within each role.

    Attributes:
        split: ``train``, ``valid_a`` (choices), ``valid_b`` (re-ranker), ``valid_c`` (calibration) or ``test``.
        roles_known: False where reagents could not be told from reactants and stand among them.
        mapped: ``reactants>>product`` with maps, contributing reactants only; None where no map is known.
    """

    id: str
    source: str
    split: str
    reaction: Reaction
    roles_known: bool = True
    mapped: str | None = None
    reaction_class: int | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cleaning refused, and why."""

    id: str
    source: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its answer, in one spelling.

    Attributes:
        row: Index of the record within its prepared split; the K copies of a record share it.
        prompt: Compact prompt text.
        target: Answer text.
    """

    row: int
    task: str
    prompt: str
    target: str
