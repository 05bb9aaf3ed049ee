"""The rows of an in-context evaluation, and the pool of its examples: from a table or from a part of a source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from retort.config import option
from retort.data.labelled import LabelledRows, LabelledSource, read_labelled
from retort.data.sampling import draw
from retort.data.shots import Solved
from retort.data.splits import PARTS, TEST, TRAIN
from retort.errors import ChemistryError, ConfigError, DataError
from retort.inference.queries import read_columns
from retort.inference.questions import ask
from retort.prompting.answers import read_answer
from retort.prompting.task import TASKS, Task, Unreadable


@dataclass(frozen=True)
class RowsChoice:
    """Rows of a table or of a source."""

    table: Path | None = option(None, help="table with the columns input and target")
    source: LabelledSource | None = option(None, help="or a source, cut as it is published or as it says here")
    part: str = option("", help="part of the source; test for questions and train for the pool by default")
    rows: int | None = option(None, help="a seeded sample of so many; all by default")
    seed: int = option(0, help="seed of the sample")

    def __post_init__(self) -> None:
        if (self.table is None) == (self.source is None):
            raise ConfigError("rows come from a table or from a source.", "Name one of both.")
        if self.part and (self.table is not None or self.part not in PARTS):
            raise ConfigError(f"{self.part!r} is no part.", f"A source has {', '.join(PARTS)}; a table has none.")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One row.

    Attributes:
        query: As given.
        target: As given.
        question: What is asked, canonical; empty where the query cannot be read.
        answer: The target in canonical form; empty where it cannot be read.
        trouble: Why the query cannot be read.
    """

    query: str
    target: str
    question: str
    answer: str
    trouble: str = ""

    @property
    def solved(self) -> Solved:
        """Question and answer; where the target cannot be read, the answer is the empty one."""
        return Solved(self.question, self.answer)


def question_rows(task: Task, choice: RowsChoice) -> list[AskedRow]:
    """Return the rows to ask, in their order.

    Raises:
        InputFileError: The table is missing, damaged or lacks a column.
        DataError: The source is not here or has no rows for the task.
        UnknownNameError: There is no such source.
    """
    return _sampled(_read(task, choice, TEST), choice)


def pool_rows(task: Task, choice: RowsChoice) -> tuple[list[Solved], int]:
    """Return the solved rows of a pool, and how many were left out because they cannot be read; raises alike."""
    rows = _sampled(_read(task, choice, TRAIN), choice)
    kept = [row.solved for row in rows if row.question and row.answer]
    return kept, len(rows) - len(kept)


def _read(task: Task, choice: RowsChoice, part: str) -> list[AskedRow]:
    if choice.table is not None:
        return [_row(task, *pair) for pair in read_columns(choice.table, ("input", "target"))]
    assert choice.source is not None  # checked with the configuration
    rows = _source(task.name, choice.source).part(choice.part or part)
    if not rows:
        raise DataError(f"source {choice.source.name!r} has no {choice.part or part} rows for {task.name}.")
    return [AskedRow(row.given, row.answer, row.given, row.answer) for row in rows]


@lru_cache(maxsize=2)  # questions and pool are often parts of one source
def _source(task: str, source: LabelledSource) -> LabelledRows:
    return read_labelled(TASKS.get(task), [source])


def _row(task: Task, query: str, target: str) -> AskedRow:
    read = read_answer(task, target)
    answer = "" if isinstance(read, Unreadable) else read
    try:
        return AskedRow(query, target, ask(task, query).given, answer)
    except ChemistryError as error:
        return AskedRow(query, target, "", answer, error.message)


def _sampled(rows: Sequence[AskedRow], choice: RowsChoice) -> list[AskedRow]:
    """Return the rows with the smallest numbers, in their order; a smaller sample is part of a larger one."""
    if choice.rows is None or choice.rows >= len(rows):
        return list(rows)
    name = choice.source.name if choice.source else str(choice.table)
    numbers = [draw(choice.seed, name, f"{place}:{row.query}") for place, row in enumerate(rows)]
    return [rows[place] for place in sorted(sorted(range(len(rows)), key=numbers.__getitem__)[: choice.rows])]
