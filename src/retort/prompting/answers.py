"""Read an answer back, a model's or that of a table, or say why it cannot be read."""

import math
import re

from retort.errors import ChemistryError
from retort.prompting.task import Task, Unreadable
from retort.prompting.vocabulary import SELFIES, as_text, words_of

_ARROW_HEAD = re.compile(r"(?<!-)>")  # the arrows of dative bonds stay
_SPECIAL_LEFT = re.compile(r"<[a-z/][^<>]*>")


def read_answer(task: Task, text: str) -> str | Unreadable:
    """Return the answer in canonical form, or why there is none.

    Molecules may be written as SELFIES behind their mark. SMILES are isomeric with sorted components, also in the slots
    of a text that has some; one of several choices is their text, whether it was given as a label or as text; a number
    is the shortest text that reads back as it.

    Args:
        task: Says what kind of answer is expected.
        text: The decoded output of a model, or a cell of a table.
    """
    text = text.strip()
    if task.answer_kind != "smiles":
        text = words_of(text).strip()
    if text.startswith(SELFIES):
        return _read_selfies(task, text.removeprefix(SELFIES))
    if not text:
        return Unreadable("empty answer")
    left_over = _SPECIAL_LEFT.search(text)
    if left_over:
        return Unreadable(f"token {left_over.group()} does not belong in an answer")
    if task.answer_kind == "smiles":
        return _read_smiles(text)
    return _read_value(task, text) if task.answer_kind == "value" else _read_text(task, text)


def read_yields(text: str, candidates: int) -> tuple[float, ...] | Unreadable:
    """Return the yields of a question's candidates, in their order, or why they cannot be read.

    Args:
        text: A cell of a table, as :func:`retort.prompting.candidates.write_yields` writes it.
        candidates: How many there must be.
    """
    try:
        values = tuple(float(part) for part in text.split(";"))
    except ValueError:
        return Unreadable(f"{text!r} is not a list of yields joined by ';'")
    if len(values) != candidates:
        return Unreadable(f"{len(values)} yields for {candidates} candidates")
    wrong = next((value for value in values if not (math.isfinite(value) and 0 <= value <= 100)), None)
    return values if wrong is None else Unreadable(f"a yield of {wrong:g} %")


def as_target(task: Task, answer: str) -> str:
    """Return an answer as a language model writes it: SMILES bare, everything else marked as text."""
    return answer if task.answer_kind == "smiles" else as_text(answer)


def as_selfies(answer: str) -> str:
    """Write molecules as SELFIES behind their mark; raises ChemistryError where one has none."""
    from retort.chem.selfies_text import to_selfies

    return f"{SELFIES}{to_selfies(answer)}"


def _read_selfies(task: Task, text: str) -> str | Unreadable:
    if task.answer_kind != "smiles":
        return Unreadable("molecules where none are asked for")
    from retort.chem.selfies_text import from_selfies

    try:
        smiles = from_selfies(text)
    except ChemistryError as error:
        return Unreadable(f"invalid SELFIES: {error.message}")
    return _read_smiles(smiles) if smiles else Unreadable("empty answer")


def _read_smiles(text: str) -> str | Unreadable:
    if ">" in text.replace("->", ""):
        return Unreadable("a reaction instead of molecules")
    from retort.chem.smiles import canonicalize

    try:
        return canonicalize(text)
    except ChemistryError as error:
        return Unreadable(f"invalid SMILES: {error.message}")


def slots_of(text: str) -> list[str]:
    """Return the parts of a text that ``>`` separates."""
    return _ARROW_HEAD.split(text)


def _read_slots(task: Task, text: str) -> str | Unreadable:
    slots = slots_of(text)
    if len(slots) != len(task.slots):
        return Unreadable(f"{len(slots)} parts between '>' instead of {len(task.slots)}")
    read = [_read_smiles(slot) if slot else "" for slot in slots]
    for found in read:
        if isinstance(found, Unreadable):
            return found
    return ">".join(map(str, read)) if any(read) else Unreadable("no molecule in any part")


def _read_text(task: Task, text: str) -> str | Unreadable:
    if task.slots:
        return _read_slots(task, text)
    if not task.choices:
        return " ".join(text.split())
    known = {name.casefold(): name for name in task.choices.values()}
    found = task.choices.get(text) or known.get(text.casefold())
    return found or Unreadable(f"{text!r} is none of the {len(task.choices)} answers of {task.name}")


def _read_value(task: Task, text: str) -> str | Unreadable:
    try:
        value = float(text.removesuffix(task.unit))
    except ValueError:
        return Unreadable(f"{text!r} is not a number")
    low, high = task.bounds
    if not math.isfinite(value) or not low <= value <= high:
        return Unreadable(f"{text!r} is not within {low:g} to {high:g} {task.unit}".rstrip())
    return repr(value)
