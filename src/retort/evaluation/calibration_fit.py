"""Fit a calibration on predictions whose answers are known, and choose its form by cross-validated log-loss.

The rows must be ones that nothing else was trained or chosen on: part C of the held-out rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.chem.smiles import canonical_or_none
from retort.errors import DataError
from retort.evaluation.calibration import Curve, Floats, Isotonic, Method, Pool, Temperature, coherent, log_rest, rising
from retort.evaluation.predictions import Prediction
from retort.evaluation.reliability import Reliability, log_losses, reliability
from retort.prompting.answers import read_answer
from retort.prompting.task import Task

METHODS: tuple[Method, ...] = ("temperature", "isotonic")
RANKS = ((1, 1), (2, 3), (4, 10))  # pools of the isotonic curves; the last one takes all that follow
LEAST = 25  # candidates that a pool and each of its steps have at least
FOLDS = 5
_NEWTON_STEPS = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """One query's candidates, best first, and which of them is right.

    Attributes:
        scores: Log-probabilities [k].
        proposers: Names that the candidates carry.
        right: 1 for the exact match and 0 for the others [k]; at most one 1.
    """

    scores: Floats
    proposers: tuple[str, ...]
    right: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted and chosen.

    Attributes:
        method: The form with the smaller log-loss out of fold.
        curve: That form, fitted on all rows.
        ordered: Confidence never rises with the rank; False where that costs log-loss beyond its standard error.
        confidence: Out-of-fold confidences of the chosen form, one array [k] per query.
        log_loss: Form -> log-loss out of fold.
    """

    method: Method
    curve: Temperature | Isotonic
    ordered: bool
    confidence: tuple[Floats, ...]
    log_loss: dict[str, float]


def answered(rows: Sequence[Prediction], task: Task | None = None) -> list[Answered]:
    """Return the rows with candidates, judged by isomeric exact match, or as texts where the task's answers are.

    Args:
        rows: Predictions of one task.
        task: The task; by default one whose answers are molecules.

    Raises:
        DataError: A candidate has no score.
    """
    found = []
    for row in rows:
        if any(c.score is None for c in row.candidates):
            raise DataError(f"row {row.index} has a candidate without a score: there is nothing to calibrate.")
        right = _right(row, task)
        if right:
            scores = np.array([c.score for c in row.candidates], np.float64)
            found.append(Answered(scores, tuple(c.proposer for c in row.candidates), np.array(right, np.float64)))
    return found


def _right(row: Prediction, task: Task | None) -> list[bool]:
    """Say of each candidate whether it is the answer; none is where the target cannot be read."""
    if task is not None and task.answer_kind == "text":
        truth = read_answer(task, row.target)
        return [candidate.text == truth for candidate in row.candidates]
    target = canonical_or_none(row.target)
    return [target is not None and canonical_or_none(candidate.smiles) == target for candidate in row.candidates]


def fit(queries: Sequence[Answered], *, folds: int = FOLDS, seed: int = 0) -> Fit:
    """Fit every form, choose by log-loss per candidate in cross-validation over queries, and fit the choice on all.

    Raises:
        DataError: There are fewer than ``LEAST`` queries, or none of them was answered rightly.
    """
    if len(queries) < LEAST or not any(query.right.any() for query in queries):
        raise DataError(
            f"{len(queries)} queries with candidates, {sum(int(q.right.any()) for q in queries)} of them right, "
            f"are too few to calibrate on.",
            f"At least {LEAST} queries and one right answer are needed; some hundred make a good fit.",
        )
    part = np.random.default_rng(seed).permutation(len(queries)) % folds
    raw = {method: _out_of_fold(method, queries, part) for method in METHODS}
    right = np.concatenate([query.right for query in queries])
    options = {
        (method, ordered): [coherent(p, ordered=ordered) for p in found]
        for method, found in raw.items()
        for ordered in (True, False)
    }
    losses = {key: log_losses(np.concatenate(found), right) for key, found in options.items()}
    method = min(METHODS, key=lambda m: float(losses[m, True].mean()))
    cost = losses[method, True] - losses[method, False]
    ordered = bool(cost.mean() <= cost.std() / np.sqrt(len(cost)))
    means = {f"{m}{'' if o else ', unordered'}": float(loss.mean()) for (m, o), loss in losses.items()}
    return Fit(method, _fit_one(method, queries), ordered, tuple(options[method, ordered]), means)


def judged(queries: Sequence[Answered], confidence: Sequence[Floats]) -> dict[str, Reliability]:
    """Return the reliability of ``all`` candidates and of the ``first`` ones."""
    right = [query.right for query in queries]
    every = reliability(np.concatenate(confidence), np.concatenate(right))
    first = reliability(np.array([c[0] for c in confidence]), np.array([r[0] for r in right]))
    return {"all": every, "first": first}


def uncalibrated(queries: Sequence[Answered]) -> list[Floats]:
    """Return ``exp(score)`` of every candidate, one array [k] per query: what a bare softmax would claim."""
    return [np.exp(query.scores) for query in queries]


def fit_temperature(queries: Sequence[Answered]) -> Temperature:
    """Fit T, b and c by maximum likelihood over the outcomes "candidate i" and "none of them" (convex in 1/T, b, c)."""
    features, mask, outcome = _padded(queries)
    parameters = np.array([1.0, 0.0, 1.0])  # 1/T, b, c
    for _ in range(_NEWTON_STEPS):
        logits = np.where(mask, features @ parameters, -np.inf)
        masses = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = masses / masses.sum(axis=1, keepdims=True)
        mean = np.einsum("nk,nkf->nf", p, features)
        gradient = (mean - features[np.arange(len(features)), outcome]).sum(axis=0)
        spread = np.einsum("nk,nkf,nkg->fg", p, features, features) - mean.T @ mean + 1e-9 * np.eye(3)
        step = np.linalg.solve(spread, gradient)
        step /= max(1.0, float(np.abs(step).max()))
        parameters = parameters - step
        parameters[0] = max(parameters[0], 1e-3)
        if float(np.abs(step).max()) < 1e-10:
            break
    return Temperature(float(1 / parameters[0]), float(parameters[1]), float(parameters[2]))


def fit_isotonic(queries: Sequence[Answered]) -> Isotonic:
    """Fit one curve for every proposer and pool of ranks; pools that are too small are joined with a neighbour."""
    table: dict[str, list[tuple[int, float, float]]] = {}
    for query in queries:
        for rank, (name, score, right) in enumerate(
            zip(query.proposers, query.scores.tolist(), query.right.tolist(), strict=True), start=1
        ):
            table.setdefault(name, []).append((rank, float(np.exp(score)), right))
    return Isotonic(tuple(pool for name in sorted(table) for pool in _pools(name, table[name])))


def _fit_one(method: Method, queries: Sequence[Answered]) -> Temperature | Isotonic:
    return fit_temperature(queries) if method == "temperature" else fit_isotonic(queries)


def _out_of_fold(method: Method, queries: Sequence[Answered], part: NDArray[np.int64]) -> list[Floats]:
    """Return probabilities [k] of every query from a curve that was fitted on the other folds."""
    curves: dict[int, Curve] = {
        fold: _fit_one(method, [q for q, own in zip(queries, part, strict=True) if own != fold])
        for fold in np.unique(part).tolist()
    }
    found = [curves[int(own)].probabilities(q.scores, q.proposers) for q, own in zip(queries, part, strict=True)]
    # A proposer so rare that the other folds lack it: the rows say nothing of it.
    return [np.zeros(len(q.scores)) if p is None else p for q, p in zip(queries, found, strict=True)]


def _padded(queries: Sequence[Answered]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Return features [n, k + 1, 3] of the outcomes, which of these exist [n, k + 1], and which came true [n].

    Features are the score of a candidate, and 1 and the logarithm of R for "none of them", which stands last.
    """
    width = max(len(query.scores) for query in queries)
    features, mask = np.zeros((len(queries), width + 1, 3)), np.zeros((len(queries), width + 1), np.bool_)
    features[:, width, 1], mask[:, width] = 1.0, True
    features[:, width, 2] = [float(log_rest(query.scores)) for query in queries]
    for i, query in enumerate(queries):
        features[i, : len(query.scores), 0], mask[i, : len(query.scores)] = query.scores, True
    outcome = [int(query.right.argmax()) if query.right.any() else width for query in queries]
    return features, mask, np.array(outcome, np.int64)


def _pools(name: str, rows: Sequence[tuple[int, float, float]]) -> Iterator[Pool]:
    """Yield the curves of one proposer from ``(rank, exp(score), right)``; together they cover all ranks."""
    first, held = 1, list[tuple[float, float]]()
    deepest = max(RANKS[-1][1], *(rank for rank, _, _ in rows))
    for place, (low, high) in enumerate(RANKS):
        end = deepest if place == len(RANKS) - 1 else high
        held += [(x, right) for rank, x, right in rows if low <= rank <= end]
        left = sum(rank > end for rank, _, _ in rows)
        if end == deepest or (len(held) >= LEAST and left >= LEAST):
            yield Pool(name, first, end, _knots(held))
            first, held = end + 1, []


def _knots(rows: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return the curve of one pool: groups of at least ``LEAST`` like scores, then pool-adjacent-violators.

    Each group's share is drawn towards the pool's by the weight of one candidate, so that none is 0 or 1.
    """
    table = np.array(sorted(rows), np.float64)
    prior = (table[:, 1].sum() + 0.5) / (len(table) + 1)
    groups = np.array_split(table, max(1, len(table) // LEAST))
    weights = np.array([len(group) + 1.0 for group in groups])
    shares = np.array([(group[:, 1].sum() + prior) / (len(group) + 1) for group in groups])
    fitted = rising(shares, weights)
    places = np.array([group[:, 0].mean() for group in groups])
    kept = [
        i for i in range(len(fitted)) if not 0 < i < len(fitted) - 1 or not fitted[i - 1] == fitted[i] == fitted[i + 1]
    ]
    return tuple((round(float(places[i]), 7), round(float(fitted[i]), 7)) for i in kept)


def figures(judgements: dict[str, Reliability]) -> dict[str, Any]:
    """Return the figures of :func:`judged`, ready for JSON."""
    return {name: found.figures() for name, found in judgements.items()}
