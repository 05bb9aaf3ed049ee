"""How much better the second of two models is on the same rows, whatever kind of answer they give.

Every difference is second minus first with its 95 % paired-bootstrap interval: the same resample of rows serves both.
Molecules are compared in all their metrics (:func:`retort.evaluation.scoring.compare`), texts in accuracy (also among
the first k, and by slot) and in F1 where they are choices, in the figures of captions where they are of any wording,
numbers in MAE, RMSE and R2, rankings of candidates in hits, regret and NDCG.
"""

from collections.abc import Callable, Mapping

import numpy as np

from retort.evaluation.captions import caption_figures
from retort.evaluation.classification import class_figures
from retort.evaluation.predictions import Predictions
from retort.evaluation.regression import counted, number_figures
from retort.evaluation.reports import selects, text_columns, texts_of, values_of
from retort.evaluation.scores import Rows, Scores
from retort.evaluation.scoring import Difference, compare, refuse_unpaired
from retort.evaluation.selecting import selection_columns
from retort.prompting.answers import read_answer
from retort.prompting.task import TASKS

Figures = Callable[[Rows], Mapping[str, float]]


def differences(first: Predictions, second: Predictions, top_k: int, *, seed: int = 0) -> dict[str, Difference]:
    """Return the difference of every figure.

    Raises:
        UsageError: The files answer different questions, or ``top_k`` does not fit.
        DataError: There are no rows, or no number has a readable target.
    """
    ranks = selects(first.header.task)
    if first.header.answer == "smiles" and not ranks:
        return compare(first, second, top_k, seed=seed)
    refuse_unpaired(first, second)
    figures = _of_lists if ranks else _of_texts if first.header.answer == "text" else _of_values
    rows, before = figures(first, top_k)
    _, after = figures(second, top_k)

    def gained(places: Rows) -> Mapping[str, float]:
        old, new = before(places), after(places)
        return {name: new[name] - old[name] for name in old}

    found = Scores.of_figures(gained, rows, {}, seed=seed)
    return {name: Difference(value, found.intervals[name]) for name, value in found.values.items()}


def _of_texts(predictions: Predictions, top_k: int) -> tuple[int, Figures]:
    """Return the number of rows, and what computes the figures of some of them."""
    task, rows = TASKS.get(predictions.header.task), predictions.rows
    truths = [read_answer(task, row.target) for row in rows]
    true, said = texts_of(rows, truths)
    columns = text_columns(task, rows, truths, top_k)

    alike = caption_figures(true, said) if task.free_text else None

    def figures(places: Rows) -> Mapping[str, float]:
        whole = alike(places) if alike else class_figures([true[i] for i in places], [said[i] for i in places])
        return dict(whole) | {name: float(values[places].mean()) for name, values in columns.items()}

    return len(true), figures


def _of_lists(predictions: Predictions, _: int) -> tuple[int, Figures]:
    columns = selection_columns(predictions.rows)
    rows = len(next(iter(columns.values())))
    return rows, lambda places: {name: float(values[places].mean()) for name, values in columns.items()}


def _of_values(predictions: Predictions, _: int) -> tuple[int, Figures]:
    task, rows = TASKS.get(predictions.header.task), predictions.rows
    truth, said, _ends = values_of(task, rows, [read_answer(task, row.target) for row in rows])
    filled = counted(truth, said, task.bounds)
    return len(truth), lambda places: dict(number_figures(np.asarray(truth)[places], np.asarray(filled)[places]))
