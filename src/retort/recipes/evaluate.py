"""Evaluate: rows with known answers -> predictions file -> report."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from retort.evaluation import predictions as files
from retort.evaluation.reports import report
from retort.evaluation.scoring import Report
from retort.inference.prediction import Candidate, Prediction
from retort.inference.predictor import Predictor
from retort.inference.proposer import Proposal
from retort.inference.queries import read_columns
from retort.prompting.answers import read_answer, read_yields
from retort.prompting.candidates import split_candidates
from retort.prompting.task import TASKS, Task, Unreadable
from retort.recipes.predict import PredictRequest, predict


@dataclass(frozen=True)
class EvaluateRequest:
    """What is evaluated, and where the predictions go.

    Attributes:
        task: Name or alias of a task.
        input: Table with the columns ``column`` and ``target``, SMILES in any spelling.
        column: Column of the queries.
        top_k: Candidates per query, and the largest cut-off of the metrics.
        reaction_class: Curated class of all queries, 1-10.
        predictions: File of predictions, continued where it is unfinished; a temporary one by default.
    """

    task: str
    input: Path
    column: str = "input"
    top_k: int = 10
    reaction_class: int | None = None
    predictions: Path | None = None


@dataclass(frozen=True)
class Evaluation:
    """A report, and what was dropped on the way.

    Attributes:
        report: The figures.
        unreadable: Reason -> number of answers that the proposers gave and that could not be used, counted over the
            rows answered by this run (a resumed run answers the remaining rows only).
    """

    report: Report
    unreadable: dict[str, int] = field(default_factory=dict)


def evaluate(
    predictor: Predictor, request: EvaluateRequest, on_progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Answer every row, keep the predictions, and score them.

    Args:
        predictor: The model.
        request: What to evaluate.
        on_progress: Called with rows done and rows in all.

    Raises:
        InputFileError: The input is missing, damaged, or lacks a column.
        UsageError: The predictions file belongs to another run.
        OutputError: The predictions cannot be written.
    """
    if request.predictions is not None:
        return _evaluate(predictor, request, request.predictions, on_progress)
    with tempfile.TemporaryDirectory() as folder:
        return _evaluate(predictor, request, Path(folder) / "predictions.jsonl", on_progress)


def _evaluate(
    predictor: Predictor, request: EvaluateRequest, path: Path, on_progress: Callable[[int, int], None] | None
) -> Evaluation:
    asked_of = TASKS.get(request.task)
    task = asked_of.name
    rows = [(query, target) for query, target in read_columns(request.input, (request.column, "target"))]
    known_class = "" if request.reaction_class is None else f", class {request.reaction_class}"
    header = files.Header(task, predictor.identity + known_class, request.top_k, asked_of.answer_kind)
    done = files.resume(path, header, rows)
    if on_progress is not None:
        on_progress(done, len(rows))
    asked = PredictRequest(task, [query for query, _ in rows], request.top_k, request.reaction_class)
    unreadable: Counter[str] = Counter()
    with files.PredictionWriter(path, header) as writer:
        for answers in predict(predictor, asked, start=done):
            for answer in answers:
                writer.write(_row(asked_of, done, rows[done][1], answer))
                unreadable.update(answer.unreadable)
                done += 1
            if on_progress is not None:
                on_progress(done, len(rows))
    return Evaluation(report(files.read(path), request.top_k), dict(unreadable.most_common()))


def _row(task: Task, index: int, target: str, answer: Prediction) -> files.Prediction:
    """Return the row of one answer; where answers are no molecules, a target that is none is said in its message."""
    found = tuple(
        files.Candidate(c.smiles, c.score, c.proposer, c.text, c.value, c.interval) for c in answer.candidates
    )
    read = _read_target(task, answer.query, target)
    remark = f"The target cannot be read: {read.reason}. " if isinstance(read, Unreadable) else ""
    return files.Prediction(index, answer.query, target, answer.status, f"{remark}{answer.message}".strip(), found)


def _read_target(task: Task, query: str, target: str) -> object:
    """Return what a target says, or why it is none; of molecules nothing, since metrics judge them as they stand."""
    if task.ranked_by:
        return read_yields(target, len(split_candidates(query)[1]))
    return None if task.answer_kind == "smiles" else read_answer(task, target)


def as_candidate(found: Candidate | Proposal) -> files.Candidate:
    """Return a candidate as a file of predictions holds it."""
    return files.Candidate(found.smiles, found.score, found.proposer, found.text, found.value, found.interval)
