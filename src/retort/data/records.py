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
        year: Year of publication, where the source has one; splits by time need it.
        yield_percent: Yield, 0..100, where the source has one.
        template_class: Class of USPTO-1k-TPL, 0 to 999, where the source has one.
        label: Any other label of the source, such as a class of another scheme.
        procedure: Text of the experimental procedure, where the source has one.
        names: What the procedure may call its compounds, each with a SMILES as written.
    """

    id: str
    split: str
    reaction: str
    roles: Roles = "given"
    mapped: str | None = None
    reaction_class: int | None = None
    origin: str = ""
    year: int | None = None
    yield_percent: float | None = None
    template_class: int | None = None
    label: str | None = None
    procedure: str = ""
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MoleculeRow:
    """One molecule as a source's file has it, alone or with a text about it.

    Attributes:
        id: As for :class:`RawRow`.
        split: As for :class:`RawRow`.
        smiles: SMILES as written; empty where the source has the text alone.
        text: Name, description or key; empty where the source has the molecule alone.
        text_kind: What ``text`` is: ``name``, ``description``, ``inchikey`` or empty.
        name_kind: Of a name, ``iupac``, ``trivial`` (a common one) or ``patent`` (as patents call the compound).
    """

    id: str
    split: str
    smiles: str
    text: str = ""
    text_kind: str = ""
    name_kind: str = ""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One question and answer in words, as a source's file has it.

    Attributes:
        id: As for :class:`RawRow`.
        split: As for :class:`RawRow`.
        kind: What is asked, in the source's words, such as ``forward reaction prediction``.
        input: What is given, as written.
        output: The answer, as written.
        instruction: The instruction, where the source has one.
        label: Any label of the source, such as an elicited type or the yields of all candidates.
    """

    id: str
    split: str
    kind: str
    input: str
    output: str
    instruction: str = ""
    label: str | None = None


SourceRow = RawRow | MoleculeRow | TextRow
"""Anything a source may yield; one source yields one kind."""


@dataclass(frozen=True, slots=True)
class Record:
    """One clean reaction, or a molecule as one that has products alone: canonical, unmapped, components sorted.

    Attributes:
        split: ``train``, ``valid_a`` (choices), ``valid_b`` (re-ranker), ``valid_c`` (calibration) or ``test``.
        roles_known: False where reagents could not be told from reactants and stand among them.
        mapped: ``reactants>>product`` with maps, contributing reactants only; None where no map is known.
        reaction_class: Curated class, where the source has one.
        yield_percent: Yield as the source has it, where it has one.
        template_class: Class of USPTO-1k-TPL, where the source has one.
        catalyst: Catalysts, canonical, where the source names any.
        solvent: Solvents, likewise.
        conditions: ``catalysts>solvents>other reagents``, each canonical or empty, where the source tells roles apart.
        temperature: In degrees Celsius, where the source has one.
        name: Of a molecule, a name, where the source has one.
        name_kind: As for :class:`MoleculeRow`.
        description: Of a molecule, a description in words, where the source has one.
    """

    id: str
    source: str
    split: str
    reaction: Reaction
    roles_known: bool = True
    mapped: str | None = None
    reaction_class: int | None = None
    origin: str = ""
    yield_percent: float | None = None
    template_class: int | None = None
    catalyst: str | None = None
    solvent: str | None = None
    conditions: str | None = None
    temperature: float | None = None
    name: str | None = None
    name_kind: str | None = None
    description: str | None = None

    @property
    def iupac_name(self) -> str | None:
        """The name where it is a systematic one."""
        return self.name if self.name_kind == "iupac" else None

    @property
    def words(self) -> str:
        """The text about a molecule, whatever its kind; empty where there is none."""
        return self.name or self.description or ""


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
