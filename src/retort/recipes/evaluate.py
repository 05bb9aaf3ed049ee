"""Evaluate: rows with known answers -> predictions file -> report."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from retort.evaluation import predictions as files
from retort.evaluation.scoring import Report, score
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.inference.queries import read_columns
from retort.prompting.task import TASKS
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
    task = TASKS.get(request.task).name
    rows = [(query, target) for query, target in read_columns(request.input, (request.column, "target"))]
    known_class = "" if request.reaction_class is None else f", class {request.reaction_class}"
    header = files.Header(task, predictor.identity + known_class, request.top_k)
    done = files.resume(path, header, rows)
    if on_progress is not None:
        on_progress(done, len(rows))
    asked = PredictRequest(task, [query for query, _ in rows], request.top_k, request.reaction_class)
    unreadable: Counter[str] = Counter()
    with files.PredictionWriter(path, header) as writer:
        for answers in predict(predictor, asked, start=done):
            for answer in answers:
                writer.write(_row(done, rows[done][1], answer))
                unreadable.update(answer.unreadable)
                done += 1
            if on_progress is not None:
                on_progress(done, len(rows))
    return Evaluation(score(files.read(path), request.top_k), dict(unreadable.most_common()))


def _row(index: int, target: str, answer: Prediction) -> files.Prediction:
    candidates = tuple(files.Candidate(c.smiles, c.score, c.proposer) for c in answer.candidates)
    return files.Prediction(index, answer.query, target, answer.status, answer.message, candidates)
