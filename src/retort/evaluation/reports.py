"""From a file of predictions to a report, whatever kind of answer it holds: molecules, classes, texts, numbers, lists.

Molecules are judged by the registered metrics (:mod:`retort.evaluation.scoring`), texts that are choices by
:mod:`retort.evaluation.classification`, texts of any wording by how many are right to the letter and by
:mod:`retort.evaluation.captions`, numbers by :mod:`retort.evaluation.regression`, rankings of candidates by
:mod:`retort.evaluation.selecting`. Every row whose target can be
read counts. One that cannot be read counts as wrong where answers are molecules or texts; a number has no distance to
it, so such a row is left out, its place is noted, and it stays in the counts of status.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from retort.errors import DataError
from retort.evaluation.captions import caption_scores
from retort.evaluation.classification import class_scores
from retort.evaluation.predictions import STATUSES, Prediction, Predictions
from retort.evaluation.regression import interval_scores, regression_scores
from retort.evaluation.scores import Floats, Scores
from retort.evaluation.scoring import Report, score
from retort.evaluation.selecting import scored_lists
from retort.prompting.answers import read_answer, slots_of
from retort.prompting.task import TASKS, Task, Unreadable

CUTOFFS = (3, 5, 10)  # of texts; the first one is the accuracy itself


def report(predictions: Predictions, top_k: int, *, seed: int = 0) -> Report:
    """Score a file of predictions.

    Raises:
        UsageError: ``top_k`` does not fit the predictions.
        DataError: There are no rows, or no number has a readable target.
        UnknownNameError: Answers are texts or numbers, and there is no such task.
    """
    header, rows = predictions.header, predictions.rows
    if selects(header.task):
        return _report(predictions, scored_lists(rows, seed=seed))
    if header.answer == "smiles":
        return score(predictions, top_k, seed=seed)
    task = TASKS.get(header.task)
    truths = [read_answer(task, row.target) for row in rows]
    if header.answer == "text":
        found = _of_texts(task, rows, truths, top_k, seed)
    else:
        found = _of_values(task, rows, truths, seed)
    return _report(predictions, found, _unread(header.answer, truths))


def selects(name: str) -> bool:
    """Tell whether a task ranks the candidates of its queries; a name of no task does not."""
    return name in TASKS.names() and bool(TASKS.get(name).ranked_by)


def _report(predictions: Predictions, found: Scores, notes: Sequence[str] = ()) -> Report:
    counts = Counter[str](row.status for row in predictions.rows)
    return Report(
        predictions.header.task,
        len(predictions.rows),
        predictions.header.model,
        found.values,
        found.intervals,
        {status: counts[status] for status in STATUSES},
        (*found.notes, *notes),
    )


def texts_of(
    rows: Sequence[Prediction], truths: Sequence[str | Unreadable]
) -> tuple[Sequence[str], Sequence[str | None]]:
    """Return true texts and first answers; a target that cannot be read is a class of its own, which no answer hits."""
    true = [row.target if isinstance(truth, Unreadable) else truth for row, truth in zip(rows, truths, strict=True)]
    return true, [row.candidates[0].text if row.candidates else None for row in rows]


def text_columns(
    task: Task, rows: Sequence[Prediction], truths: Sequence[str | Unreadable], top_k: int
) -> dict[str, Floats]:
    """Return what every row is worth, 0 or 1 [n], in ``accuracy@k`` and in each slot of a text that has some.

    ``accuracy@k`` says whether the true text is among the first k answers, ``SLOT_accuracy`` whether the first answer
    has the true text there. Texts of any wording have ``accuracy`` too: whether the first answer is the true text.
    """
    true, _ = texts_of(rows, truths)
    said = [[candidate.text for candidate in row.candidates] for row in rows]
    cutoffs = {"accuracy": 1} if task.free_text else {}  # of choices, the scores of classes have it
    cutoffs |= {f"accuracy@{k}": k for k in CUTOFFS if k <= top_k}
    found = {name: [t in texts[:k] for t, texts in zip(true, said, strict=True)] for name, k in cutoffs.items()}
    for place, slot in enumerate(task.slots):
        pairs = [
            (_slot(t, place), _slot(texts[0], place) if texts else None) for t, texts in zip(true, said, strict=True)
        ]
        found[f"{slot}_accuracy"] = [a is not None and a == b for a, b in pairs]
    return {name: np.array(values, np.float64) for name, values in found.items()}


def _slot(text: str, place: int) -> str | None:
    parts = slots_of(text)
    return parts[place] if place < len(parts) else None


def _of_texts(
    task: Task, rows: Sequence[Prediction], truths: Sequence[str | Unreadable], top_k: int, seed: int
) -> Scores:
    scores = (caption_scores if task.free_text else class_scores)(*texts_of(rows, truths), seed=seed)
    columns = text_columns(task, rows, truths, top_k)
    if not columns:
        return scores
    return scores + Scores.of_means(tuple(columns), np.stack([*columns.values()], axis=1), {}, seed=seed)


def values_of(
    task: Task, rows: Sequence[Prediction], truths: Sequence[str | Unreadable]
) -> tuple[Floats, Floats, Floats]:
    """Return true numbers [n], first answers [n] and the ends of their intervals [n, 2]; NaN where there is none.

    Raises:
        DataError: No target is a number.
    """
    pairs = [(row, float(t)) for row, t in zip(rows, truths, strict=True) if not isinstance(t, Unreadable)]
    if not pairs:
        raise DataError("no target can be read as a number.", f"{task.name} needs numbers in the column target.")
    first = [row.candidates[0] if row.candidates else None for row, _ in pairs]
    said = np.array([np.nan if c is None or c.value is None else c.value for c in first])
    ends = np.array([(np.nan, np.nan) if c is None or c.interval is None else c.interval for c in first])
    return np.array([true for _, true in pairs]), said, ends


def _of_values(task: Task, rows: Sequence[Prediction], truths: Sequence[str | Unreadable], seed: int) -> Scores:
    """Score first answers; the ends of an interval that is not stated cover nothing."""
    truth, said, ends = values_of(task, rows, truths)
    numbers = regression_scores(truth, said, possible=task.bounds, seed=seed)
    return numbers + interval_scores(truth, ends[:, 0], ends[:, 1], possible=task.bounds, seed=seed)


def _unread(kind: str, truths: Sequence[str | Unreadable]) -> tuple[str, ...]:
    wrong = [(place, truth.reason) for place, truth in enumerate(truths) if isinstance(truth, Unreadable)]
    if not wrong:
        return ()
    fate = "count as wrong" if kind == "text" else "are left out of the figures"
    place, reason = wrong[0]
    return (f"{len(wrong)} targets cannot be read and {fate}; the first is row {place}: {reason}.",)
