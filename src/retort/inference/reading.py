"""From texts to questions: SMILES first, names where there are any; what cannot be read says why."""

from collections.abc import Iterable
from dataclasses import dataclass

from retort.errors import ChemistryError
from retort.inference.names import HINT, can_read_names, may_be_name, read_names
from retort.inference.questions import ask
from retort.prompting.task import Question, Task


@dataclass(frozen=True, slots=True)
class Reading:
    """How one query was read.

    Attributes:
        query: The text as given.
        question: What is asked; None where it cannot be read.
        remark: Why it cannot be read, or how it was read where that is not as SMILES.
    """

    query: str
    question: Question | None
    remark: str = ""


def read_all(task: Task, queries: Iterable[str], reaction_class: int | None) -> list[Reading]:
    """Read queries in their order; what is no SMILES and may be a name is put to OPSIN, all at once.

    Args:
        task: What is asked. Names are read where its queries are molecules.
        queries: The texts.
        reaction_class: Curated class of all, 1-10, where it is known.
    """
    readings = [_read(task, query, reaction_class) for query in queries]
    if task.query_kind != "molecules":
        return readings
    unread = [r.query for r in readings if r.question is None and may_be_name(r.query)]
    named = read_names(unread)
    return [
        _by_name(task, reading, named.get(reading.query), reaction_class)
        if reading.question is None and may_be_name(reading.query)
        else reading
        for reading in readings
    ]


def _read(task: Task, query: str, reaction_class: int | None) -> Reading:
    try:
        return Reading(query, ask(task, query, reaction_class))
    except ChemistryError as error:
        return Reading(query, None, str(error))


def _by_name(task: Task, reading: Reading, smiles: str | None, reaction_class: int | None) -> Reading:
    if smiles is None:
        why = "OPSIN does not know it as a name either." if can_read_names() else HINT
        return Reading(reading.query, None, f"{reading.remark} {why}")
    found = _read(task, smiles, reaction_class)
    if found.question is None:
        return Reading(reading.query, None, f"read as a name by OPSIN: {smiles}, but {found.remark}")
    return Reading(reading.query, found.question, f"Read as a name by OPSIN: {found.question.given}.")
