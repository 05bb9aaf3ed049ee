"""What an audit compares of a row: stereo-free, unmapped, canonical keys of its reaction, or of its molecules.

Rows come from anywhere: source files, records, tables of questions and answers, training arrays, texts. All end in the
same few keys, so that anything can be held against anything.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from retort.chem.reaction import Reaction
from retort.chem.smiles import canonical_or_none, components
from retort.data.clean import clean, keys_of
from retort.data.records import MoleculeRow, RawRow, Record, Rejection, TextRow
from retort.errors import ChemistryError
from retort.prompting.task import TASKS

FORWARD, BACKWARD = 1, 2
"""Directions of a question, as bits: from precursors to products, from products to reactants."""

_TEXT_KINDS = {
    "forward reaction prediction": "forward_prediction",
    "retrosynthesis": "retrosynthesis",
    "reagent prediction": "reagent_prediction",
}
_ROLE = re.compile(r"(?<!-)>")
_SPECIAL = re.compile(r"^(?:<[^<>]+>)+|</?text>")
_WORD = re.compile(r"[^\s,;:!?\"'`]{6,}")  # shorter ones may be words: CO, In, Cos
_SELFIES = re.compile(r"(?:\.?\[[^\[\]]+\]){2,}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer.

    Attributes:
        id: Names the row within its input.
        task: Name of the task.
        given: What is given, as text; leading special tokens are ignored.
        wanted: The answer, as text.
    """

    id: str
    task: str
    given: str
    wanted: str


@dataclass(frozen=True, slots=True)
class AskedRecord:
    """A clean record beside the tasks that it is asked in."""

    record: Record
    tasks: tuple[str, ...]


AuditRow = RawRow | MoleculeRow | TextRow | Asked | AskedRecord


@dataclass(frozen=True, slots=True)
class RowKeys:
    """What is compared of one row.

    Attributes:
        products: The whole product side, and its largest component where it has several; empty for other rows.
        reactants: Components of the contributing reactants, sorted; all precursors where roles are unknown.
        mixed: Whether reagents may stand among the reactants.
        direction: Bits of the directions in which the row is asked; 0 where no task is known.
        molecules: Molecules of a row that is no reaction.
    """

    products: tuple[str, ...] = ()
    reactants: tuple[str, ...] = ()
    mixed: bool = False
    direction: int = 0
    molecules: tuple[str, ...] = ()


def keys_of_row(row: AuditRow, tasks: tuple[str, ...] = ()) -> RowKeys | str:
    """Return the keys of any row, or why it has none.

    Args:
        row: The row.
        tasks: Tasks in which plain reactions are asked, where that is known.
    """
    try:
        if isinstance(row, RawRow):
            return _of_raw(row, tasks)
        if isinstance(row, AskedRecord):
            return _of_reaction(row.record.reaction, not row.record.roles_known, row.tasks)
        if isinstance(row, Asked):
            return _of_question(row)
        if isinstance(row, MoleculeRow):
            return _of_molecule(row)
        return _of_text(row)
    except ChemistryError:
        return "unreadable SMILES or reaction"


def direction_of(task: str) -> int:
    """Return the direction of a task: ``FORWARD``, ``BACKWARD``, or 0 for every other kind of question."""
    if TASKS.get(task).of_molecules:
        return 0
    given, wanted = _roles(task)
    if wanted == "products":
        return FORWARD
    return BACKWARD if wanted == "reactants" and set(given) == {"products"} else 0


def _of_raw(row: RawRow, tasks: tuple[str, ...]) -> RowKeys | str:
    found = clean(row, "")
    if isinstance(found, Rejection):
        return found.reason
    return _of_reaction(found.record.reaction, not found.record.roles_known, tasks)


def _of_reaction(reaction: Reaction, mixed: bool, tasks: tuple[str, ...]) -> RowKeys:
    """Return the keys of a clean reaction, or of a clean molecule, which has no precursors."""
    keys = keys_of(reaction)
    if not reaction.precursors:
        return RowKeys(molecules=keys.products)
    direction = 0
    for task in tasks:
        direction |= direction_of(task)
    return RowKeys(keys.products, tuple(keys.reactants.split(".")), mixed, direction)


def _of_question(row: Asked) -> RowKeys | str:
    """Put question and answer back together into the reaction they were taken from."""
    names, wanted = _roles(row.task)
    given = _SPECIAL.sub("", row.given)
    if TASKS.get(row.task).of_molecules:
        smiles = row.wanted if TASKS.get(row.task).query_label else given
        return _of_molecule(MoleculeRow(row.id, "", smiles))
    if not names:
        return _of_text(TextRow(row.id, "", row.task, given, _SPECIAL.sub("", row.wanted)))
    parts = _ROLE.split(given)
    role = dict(zip(names, parts, strict=False)) | ({wanted: row.wanted} if wanted else {})
    if not role.get("products") or not role.get("reactants"):
        return "lacks products or reactants"
    mixed = len(parts) == 1 and "reagents" in names
    texts = (role.get(name, "") for name in ("reactants", "reagents", "products"))
    sides = (components(text) if text else () for text in texts)
    return _of_reaction(Reaction(*sides), mixed, (row.task,))


@lru_cache(maxsize=64)
def _roles(task: str) -> tuple[tuple[str, ...], str]:
    """Return the roles a task's question shows, in order, and the role it asks for; both empty for other tasks."""
    known = ("reactants", "reagents", "products")
    probe = Reaction(*((name,) for name in known))
    entry = TASKS.get(task)
    names, wanted = tuple(_ROLE.split(entry.given(probe))), entry.wanted(probe)
    is_reaction = all(name in ("", *known) for name in names)
    return (names if is_reaction else ()), (wanted if wanted in known else "")


def _of_molecule(row: MoleculeRow) -> RowKeys | str:
    if not row.smiles:
        return "text without a molecule"
    return RowKeys(molecules=_with_largest(row.smiles))


def _of_text(row: TextRow) -> RowKeys | str:
    """Read the fields as a reaction question where they are one; else find the molecules in them."""
    task = _TEXT_KINDS.get(row.kind.strip().lower())
    if task is not None:
        return _of_question(Asked(row.id, task, row.input, row.output))
    molecules = [key for field in (row.input, row.output) for key in _molecules_in(field)]
    return RowKeys(molecules=tuple(dict.fromkeys(molecules))) if molecules else "text without a molecule"


def _molecules_in(text: str) -> list[str]:
    """Return the keys of a field that is SMILES as a whole, or of the words of it that are."""
    words = [text.strip()] if " " not in text.strip() else _WORD.findall(text)
    return [key for word in words for part in _ROLE.split(word.strip(".()")) for key in _keys_of_word(part)]


def _keys_of_word(word: str) -> tuple[str, ...]:
    if _SELFIES.fullmatch(word) or canonical_or_none(word) is None:
        return ()
    return _with_largest(word)


def _with_largest(smiles: str) -> tuple[str, ...]:
    parts = components(smiles, stereo=False)
    whole = ".".join(parts)
    return (whole,) if len(parts) == 1 else (whole, max(parts, key=len))
