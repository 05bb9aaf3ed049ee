"""Fit the weights of a re-ranker by Newton's method: a small convex problem, solved to the end.

Minimised over the questions that have their right answer among the candidates:
``- mean log softmax(logits)[right] + l2 / 2 |w|^2``, with columns standardised over all candidates of the fit.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError
from retort.inference.reranking.evidence import Matrix

Vector = NDArray[np.float64]
STEPS = 100
TOLERANCE = 1e-8  # largest entry of the gradient at the end


@dataclass(frozen=True, slots=True)
class Case:
    """The candidates of one question.

    Attributes:
        values: [n, f], the columns.
        right: [n], whether a candidate is the exact answer.
    """

    values: Matrix
    right: NDArray[np.bool_]


class Ordering(ABC):
    """What orders the candidates of one question by their columns."""

    __slots__ = ()

    @abstractmethod
    def log_probabilities(self, values: Matrix) -> Vector:
        """Return the log-probability [n] of every candidate of one question from its columns [n, f]."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is to be stored."""

    def order(self, values: Matrix) -> list[int]:
        """Return the candidates of one question, best first; equal ones keep their order."""
        scores = self.log_probabilities(values)
        return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


@dataclass(frozen=True, slots=True)
class Fit(Ordering):
    """Fitted weights and the standardisation of their columns, each [f]."""

    centre: Vector
    scale: Vector
    weights: Vector

    def log_probabilities(self, values: Matrix) -> Vector:
        """Return the log-probability [n] of every candidate of one question from its columns [n, f]."""
        logits: Vector = (values - self.centre) / self.scale @ self.weights
        return logits - float(np.logaddexp.reduce(logits))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return centre, scale and weights."""
        return {"centre": self.centre, "scale": self.scale, "weights": self.weights}


def mean_loss(cases: Sequence[Case], found: Ordering) -> float:
    """Return the mean of ``- log p(right)`` over the questions with their answer among the candidates.

    Raises:
        DataError: There is no such question.
    """
    losses = [-found.log_probabilities(c.values)[int(c.right.argmax())] for c in cases if c.right.any()]
    if not losses:
        raise DataError("no question has its answer among the candidates.", "Check the proposers and the rows.")
    return float(np.mean(losses))


def fit(cases: Sequence[Case], l2: float) -> Fit:
    """Fit to the cases whose answer is among the candidates.

    Raises:
        DataError: There is no such case.
    """
    useful = [case for case in cases if case.right.any()]
    if not useful:
        raise DataError("no question has its answer among the candidates.", "Check the proposers and the rows.")
    stacked = np.concatenate([case.values for case in useful])
    centre, scale = stacked.mean(axis=0), stacked.std(axis=0)
    scale[scale < 1e-9] = 1.0
    problem = _Problem.of([((case.values - centre) / scale, int(case.right.argmax())) for case in useful], l2)
    return Fit(centre, scale, problem.solve())


@dataclass(frozen=True, slots=True)
class _Problem:
    """All questions at once, the shorter ones filled up with candidates that have no share.

    Attributes:
        values: [q, n, f].
        absent: [q, n], 0 for a candidate and minus infinity for a filler.
        right: [q, f], the columns of the right answers.
        l2: The penalty.
    """

    values: NDArray[np.float64]
    absent: Matrix
    right: Matrix
    l2: float

    @classmethod
    def of(cls, rows: Sequence[tuple[Matrix, int]], l2: float) -> "_Problem":
        longest = max(len(values) for values, _ in rows)
        stacked = np.zeros((len(rows), longest, rows[0][0].shape[1]))
        absent = np.full((len(rows), longest), -np.inf)
        for i, (values, _) in enumerate(rows):
            stacked[i, : len(values)] = values
            absent[i, : len(values)] = 0.0
        return cls(stacked, absent, np.array([values[right] for values, right in rows]), l2)

    def solve(self) -> Vector:
        """Return the minimiser; steps are halved where the loss would rise."""
        weights = np.zeros(self.values.shape[2])
        for _ in range(STEPS):
            gradient, curvature = self._derivatives(weights)
            if np.abs(gradient).max() < TOLERANCE:
                break
            step, before, size = np.linalg.solve(curvature, gradient), self._loss(weights), 1.0
            while self._loss(weights - size * step) > before and size > 1e-6:
                size /= 2
            weights = weights - size * step
        return weights

    def _loss(self, weights: Vector) -> float:
        whole = np.logaddexp.reduce(self.values @ weights + self.absent, axis=1)
        return float((whole - self.right @ weights).mean() + self.l2 / 2 * (weights @ weights))

    def _derivatives(self, weights: Vector) -> tuple[Vector, Matrix]:
        """Return gradient [f] and Hessian [f, f] of the loss."""
        logits = self.values @ weights + self.absent
        shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
        means = np.einsum("qn,qnf->qf", shares, self.values)
        gradient: Vector = (means - self.right).mean(axis=0) + self.l2 * weights
        weighted = (self.values * shares[:, :, None]).reshape(-1, self.values.shape[2])
        second = weighted.T @ self.values.reshape(weighted.shape) - means.T @ means
        curvature: Matrix = second / len(means) + self.l2 * np.eye(len(weights))
        return gradient, curvature
