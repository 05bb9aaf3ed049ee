"""How well answers name the right class: accuracy, F1, calibration error, confusion.

An answer is a class or None where none could be read. Every row counts: an unreadable answer is wrong, it is a miss of
its true class and a false alarm of no class, and it is counted apart. Perfect answers have 1 everywhere.

- ``accuracy``: share of rows whose answer is the true class.
- ``macro_f1``: mean F1 of the classes that occur in the truth. An answer with another class is a miss.
- ``micro_f1``: F1 of all classes together, ``2 hits / (rows + readable answers)``; the accuracy where every answer can
  be read.
- ``calibration_error``: of the confidences that readable answers come with, see :mod:`retort.evaluation.reliability`;
  a note says what a perfectly calibrated model would show. An answer that could not be read states no confidence. Its
  interval lies somewhat too high, because every resample adds an error by chance.

Parity: scikit-learn's ``accuracy_score`` and ``f1_score`` with the truth first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retort.errors import UsageError
from retort.evaluation.reliability import calibration_error, chance_error
from retort.evaluation.scores import Floats, Rows, Scores, refuse_unequal

UNREADABLE = -1


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class: how many rows it has, how often an answer is right, how many rows are found, both in one."""

    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which class is taken for which.

    Attributes:
        classes: The c classes that occur among truth or answers, sorted.
        counts: int64 [c, c], rows by true class and answer.
        unreadable: int64 [c], rows by true class whose answer could not be read.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    unreadable: NDArray[np.int64]

    def by_class(self) -> dict[str, ClassFigures]:
        """Return the figures of every class; precision is 0 of one never answered, recall of one never true."""
        hits, support = self.counts.diagonal(), self.counts.sum(axis=1) + self.unreadable
        answered = self.counts.sum(axis=0)
        precision, recall = (hits / np.maximum(of, 1) for of in (answered, support))
        f1 = 2 * hits / np.maximum(support + answered, 1)
        columns = (support.tolist(), precision.tolist(), recall.tolist(), f1.tolist())
        return {name: ClassFigures(*row) for name, *row in zip(self.classes, *columns, strict=True)}

    def mistakes(self) -> list[tuple[str, str, int]]:
        """Return ``(true class, answer, rows)`` of all mistakes that were made, most frequent first."""
        wrong = self.counts - np.diag(self.counts.diagonal())
        pairs = [(self.classes[i], self.classes[j], int(wrong[i, j])) for i, j in np.argwhere(wrong).tolist()]
        return sorted(pairs, key=lambda pair: (-pair[2], pair))


def confusion(truth: Sequence[str], answers: Sequence[str | None]) -> Confusion:
    """Count which class is taken for which.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows.
    """
    classes, true, said = _numbered(truth, answers)
    width, readable = len(classes), said != UNREADABLE
    counts = np.bincount(true[readable] * width + said[readable], minlength=width * width).reshape(width, width)
    return Confusion(classes, counts, np.bincount(true[~readable], minlength=width))


def class_figures(truth: Sequence[str], answers: Sequence[str | None]) -> dict[str, float]:
    """Return ``accuracy``, ``macro_f1`` and ``micro_f1``; raises as :func:`class_scores`."""
    classes, true, said = _numbered(truth, answers)
    return _figures(true, said, len(classes))


def class_scores(
    truth: Sequence[str],
    answers: Sequence[str | None],
    confidence: Sequence[float | None] | None = None,
    *,
    seed: int = 0,
) -> Scores:
    """Return the figures of this module with their intervals.

    Counts: ``unreadable``, ``classes`` of the truth, and ``confident`` rows where confidences are given.

    Args:
        truth: The true class of each row.
        answers: The first answer to each row; None where it could not be read.
        confidence: Stated probability, 0 to 1, that the answer is right; None, for a row or altogether, where none is
            stated.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one answer, or not one confidence, for each row.
        DataError: There are no rows.
    """
    classes, true, said = _numbered(truth, answers)
    stated = _stated(confidence, said)

    def figures(rows: Rows) -> Mapping[str, float]:
        found = _figures(true[rows], said[rows], len(classes))
        return found if stated is None else found | {"calibration_error": _off(stated[rows], (true == said)[rows])}

    counts = {"unreadable": int((said == UNREADABLE).sum()), "classes": len(set(truth))}
    scores = Scores.of_figures(figures, len(true), counts, seed=seed)
    return scores if stated is None else scores + _by_chance(stated)


def _by_chance(stated: Floats) -> Scores:
    """Return how many rows state a confidence, and what a perfectly calibrated model would show on them."""
    kept, notes = stated[~np.isnan(stated)], []
    if len(kept):
        notes.append(
            f"by chance a perfectly calibrated model would show a calibration error of {chance_error(kept):.4f}."
        )
    return Scores(len(stated), {}, {}, {"confident": len(kept)}, tuple(notes))


def _figures(true: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> dict[str, float]:
    right = true == said
    hits, support = (np.bincount(of, minlength=classes) for of in (true[right], true))
    answered = np.bincount(said[said != UNREADABLE], minlength=classes)
    occurs = support > 0
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float((2 * hits[occurs] / (support + answered)[occurs]).mean()),
        "micro_f1": float(2 * right.sum() / (len(true) + answered.sum())),
    }


def _off(stated: Floats, right: NDArray[np.bool_]) -> float:
    """Return the calibration error of the confidences that are stated; NaN where none is."""
    kept = ~np.isnan(stated)
    return calibration_error(stated[kept], right[kept].astype(np.float64)) if kept.any() else float("nan")


def _stated(confidence: Sequence[float | None] | None, said: NDArray[np.int64]) -> Floats | None:
    """Return the confidence [n] of every row, NaN where the answer could not be read or none is stated."""
    if confidence is None:
        return None
    refuse_unequal(len(said), len(confidence))
    stated = np.array([np.nan if value is None else value for value in confidence], np.float64)
    if ((stated < 0) | (stated > 1)).any():
        raise UsageError("a confidence is not within 0 to 1.", "Give probabilities, not scores.")
    return np.where(said == UNREADABLE, np.nan, stated)


def _numbered(
    truth: Sequence[str], answers: Sequence[str | None]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Return the classes, sorted, and the number of the true and of the answered class of every row [n]."""
    refuse_unequal(len(truth), len(answers))
    classes = tuple(sorted({*truth, *(answer for answer in answers if answer is not None)}))
    number: dict[str | None, int] = {None: UNREADABLE} | {name: i for i, name in enumerate(classes)}
    true, said = (np.array([number[name] for name in names], np.int64) for names in (truth, answers))
    return classes, true, said
