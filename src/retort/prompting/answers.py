"""Read a model's answer back, or say why it cannot be read."""

import re

from retort.errors import ChemistryError
from retort.prompting.task import Task, Unreadable

_SPECIAL_LEFT = re.compile(r"<[a-z/][^<>]*>")


def read_answer(task: Task, text: str) -> str | Unreadable:
    """Return the answer in canonical form (SMILES: isomeric, components sorted), or why there is none.

    Args:
        task: Says what kind of answer is expected.
        text: The decoded output of a model.
    """
    text = text.strip()
    if not text:
        return Unreadable("empty answer")
    left_over = _SPECIAL_LEFT.search(text)
    if left_over:
        return Unreadable(f"token {left_over.group()} does not belong in an answer")
    if task.answer_kind != "smiles":
        return text
    if ">" in text.replace("->", ""):
        return Unreadable("a reaction instead of molecules")
    from retort.chem.smiles import canonicalize

    try:
        return canonicalize(text)
    except ChemistryError as error:
        return Unreadable(f"invalid SMILES: {error.message}")
