"""Predictions that another program made, laid beside the rows of a benchmark.

Read are our own files of predictions, and tables with the column ``input`` and ``prediction``, or ``prediction_1``,
``prediction_2`` and so on, best first. Questions are matched by their canonical form, so that spelling does not matter.
A row that the file does not answer counts as one without an answer; that all of a file is about something else is said.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retort.data.tables import read_table
from retort.errors import ChemistryError, InputFileError
from retort.evaluation import predictions as files
from retort.inference.proposer import proposal_of
from retort.inference.questions import ask
from retort.prompting.answers import read_answer
from retort.prompting.task import Task, Unreadable
from retort.recipes.evaluate import as_candidate

Answers = Mapping[str, tuple[files.Candidate, ...]]
_COLUMN = re.compile(r"prediction(?:_(\d+))?")


@dataclass(frozen=True)
class Foreign:
    """The answers of one file to one task.

    Attributes:
        name: Of the file.
        answers: Canonical question -> candidates, best first.
        top_k: Most candidates of a question.
        unreadable: Questions of the file that cannot be read.
    """

    name: str
    answers: Answers
    top_k: int
    unreadable: int = 0

    def beside(self, task: Task, rows: Sequence[tuple[str, str]]) -> files.Predictions:
        """Return predictions for ``(query, target)`` rows, in their order."""
        header = files.Header(task.name, self.name, self.top_k, task.answer_kind)
        return files.Predictions(header, tuple(self._row(task, i, *row) for i, row in enumerate(rows)))

    def covered(self, task: Task, rows: Sequence[tuple[str, str]]) -> int:
        """Return how many rows the file answers."""
        return sum(bool(self.answers.get(_key(task, query))) for query, _ in rows)

    def _row(self, task: Task, index: int, query: str, target: str) -> files.Prediction:
        found = self.answers.get(_key(task, query), ())
        if not found:
            return files.Prediction(index, query, target, "no_answer", "the file has no answer.", ())
        return files.Prediction(index, query, target, "ok", "", found)


def read_foreign(path: Path, task: Task) -> Foreign | None:
    """Read the answers of a file to a task; None where our own file is of another task.

    Raises:
        InputFileError: The file is missing, damaged, or lacks the columns.
        DataError: A row of our own file is damaged.
    """
    if path.suffix == ".jsonl" and _is_ours(path):
        found = files.read(path)
        if found.header.task != task.name:
            return None
        pairs = [(row.query, row.candidates) for row in found.rows]
        return _gathered(path, task, pairs)
    table = read_table(path)
    columns = sorted((c for c in table.columns if _COLUMN.fullmatch(c)), key=_place)
    if "input" not in table.columns or not columns:
        raise InputFileError(
            f"{str(path)!r} has no columns input and prediction (or prediction_1, prediction_2, ...).",
            f"It has {', '.join(table.columns)}.",
        )
    read: list[tuple[str, tuple[files.Candidate, ...]]] = []
    for query, *cells in table.select("input", *columns).iter_rows():
        texts = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
        read.append((str(query), tuple(_candidates(task, path.name, texts))))
    return _gathered(path, task, read, len(columns))


def _gathered(
    path: Path, task: Task, pairs: Sequence[tuple[str, tuple[files.Candidate, ...]]], least: int = 1
) -> Foreign:
    answers: dict[str, tuple[files.Candidate, ...]] = {}
    unreadable = 0
    for query, candidates in pairs:
        key = _key(task, query)
        unreadable += not key
        if key:
            answers.setdefault(key, candidates)
    top_k = max((len(found) for found in answers.values()), default=0)
    return Foreign(path.name, answers, max(top_k, least), unreadable)


def _candidates(task: Task, name: str, texts: Sequence[str]) -> list[files.Candidate]:
    """Return candidates; a text or number that cannot be read is none, a molecule is judged as it stands."""
    if task.answer_kind == "smiles":
        return [files.Candidate(text.strip(), None, name) for text in texts]
    read = [answer for text in texts if not isinstance(answer := read_answer(task, text), Unreadable)]
    return [replace(as_candidate(proposal_of(task.answer_kind, text, 0.0, name)), score=None) for text in read]


def _key(task: Task, query: str) -> str:
    try:
        return ask(task, query).given
    except ChemistryError:
        return ""


def _place(column: str) -> int:
    found = _COLUMN.fullmatch(column)
    return int(found[1] or 0) if found else 0


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'"{files.FORMAT}"'.encode() in file.readline()
    except OSError as error:
        raise InputFileError(f"cannot read {str(path)!r}: {error.strerror}.") from error
