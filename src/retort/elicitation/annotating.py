"""Fitting the annotator of one clustering: a fixed hold-out inside train, a probe, and labels out of fold.

The probe reads vectors of the inputs alone. Its parts (principal components, scale, logistic regression) are all
linear, so what is kept is one linear map of the vectors as the encoder gives them.

Legend: ``n`` rows, ``d`` vector size, ``k`` types.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from retort.elicitation.checks import Doubles, Floats, Labels, TooFewRowsError, matrix, type_ids
from retort.elicitation.probe import fit_probe, folds, out_of_fold
from retort.elicitation.projection import Projection, pca
from retort.errors import ConfigError
from retort.models.annotator import AnnotatorReport, LinearHead, fit_temperature, judge, softmax

_ENOUGH = 50  # rows that a temperature is fitted to, at least
_STREAM = 0x981  # the hold-out never repeats the chance of folds drawn with the same seed


@dataclass(frozen=True, eq=False)
class Parts:
    """Row indices of the three parts of train rows, each in rising order.

    Attributes:
        fit: What annotators are fitted to.
        valid: What may be watched while one is trained.
        test: What nothing is fitted to or chosen by.
    """

    fit: Labels
    valid: Labels
    test: Labels


def split_within(
    rows: int, shares: tuple[float, float] = (0.01, 0.01), seed: int = 0, groups: ArrayLike | None = None
) -> Parts:
    """Cut train rows by chance, 98:1:1 as published (SLM4CRP, section 3.3); rows of a group stay together.

    Args:
        rows: Number of rows.
        shares: Shares of groups that go to valid and to test, rounded up.
        seed: The same seed gives the same parts, whatever the labels.
        groups: Ids [rows] of rows that must not be parted; none by default.

    Raises:
        ConfigError: A share is not above 0, or nothing is left to fit.
        TooFewRowsError: There are fewer than three groups.
    """
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ConfigError(f"shares of {shares[0]} and {shares[1]} leave no three parts.", "Give e.g. [0.01, 0.01].")
    members = np.arange(rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    distinct = int(members.max(initial=-1)) + 1
    valid, test = (math.ceil(share * distinct) for share in shares)
    if distinct - valid - test < 1:
        raise TooFewRowsError(f"{rows} rows of {distinct} groups cannot be cut into three parts.", "Give more rows.")
    places = np.random.default_rng([seed, _STREAM]).permutation(distinct)[members]
    cuts = (places >= valid + test, places < valid, (places >= valid) & (places < valid + test))
    return Parts(*(np.flatnonzero(cut).astype(np.int64) for cut in cuts))


@dataclass(frozen=True, eq=False)
class FittedAnnotator:
    """An annotator, and what it is worth.

    Attributes:
        head: The probe, fitted to ``Parts.fit``.
        out_of_fold: Type probabilities of every row by a probe that has not seen it, float64 [n, k].
        report: On ``Parts.test``.
        unconverged: Fits that did not come to rest.
    """

    head: LinearHead
    out_of_fold: Doubles
    report: AnnotatorReport
    unconverged: int


def fit_annotator(
    inputs: ArrayLike,
    labels: ArrayLike,
    types: int,
    parts: Parts,
    *,
    size: int = 64,
    count: int = 5,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> FittedAnnotator:
    """Fit an annotator to vectors of the inputs [n, d] and the types [n].

    The temperature is the one under which the types of ``parts.valid`` are likeliest; 1 where these are fewer than 50
    rows. Nothing about the probe depends on ``parts.test``.

    Args:
        inputs: Pooled vectors of the inputs alone.
        labels: The type of each row.
        types: Number of types.
        parts: Which rows are fitted to and which are judged.
        size: Most principal components that are read.
        count: Folds for labels out of fold.
        seed: Of the folds.
        groups: Ids [n] of rows that share a fold.

    Raises:
        VectorError: Vectors are not finite, or there are too few rows for the folds.
        LabelError: A label is out of range, or there is not one per row.
    """
    vectors = matrix(inputs, "the input vectors")
    given = type_ids(labels, types, len(vectors))
    projection, scale = _standardised(vectors[parts.fit], size)
    rows = projection.apply(vectors).astype(np.float64) / scale
    chances, failed = out_of_fold(rows, given, types, folds(len(rows), count, seed, groups))
    probe = fit_probe(rows[parts.fit], given[parts.fit], types)
    assert projection.weight is not None
    assert projection.bias is not None
    weight = projection.weight.astype(np.float64) @ probe.weight / scale
    head = LinearHead(weight, projection.bias.astype(np.float64) / scale @ probe.weight + probe.bias)
    if len(parts.valid) >= _ENOUGH:
        watched = head.probabilities(vectors[parts.valid])
        head = replace(head, temperature=fit_temperature(watched, given[parts.valid]))
    read = head.probabilities(vectors[parts.test])
    report = judge(given[parts.test], read.argmax(axis=1), types, read)
    return FittedAnnotator(head, tempered(chances, head.temperature), report, failed + (not probe.converged))


def tempered(probabilities: Doubles, temperature: float) -> Doubles:
    """Return probabilities [n, k] at another temperature; one of 0 stays 0."""
    with np.errstate(divide="ignore"):
        return softmax(np.log(probabilities) / temperature)


def _standardised(vectors: Floats, size: int) -> tuple[Projection, float]:
    """Return the projection onto principal components, and what scales these together to a mean variance of 1."""
    projection = pca(vectors, min(size, *vectors.shape))
    spread = float(np.sqrt(projection.apply(vectors).astype(np.float64).var(axis=0).mean()))
    return projection, spread or 1.0
