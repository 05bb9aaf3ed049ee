"""What an input-predicted reaction type is worth: usable information about the target, measured on train rows alone.

Predictive V-information (Xu, Zhao, Song, Stewart and Ermon, ICLR 2020, arXiv 2002.10689) of the predicted type ``z'``
about the target ``t`` given the input ``x``::

    I_V(z' -> t | x) = H_V(t | x) - H_V(t | x, z')     nats per row

where ``H_V`` is the least expected ``-ln q(t | ...)`` over a family V of predictors. ``z'`` are the probabilities of a
logistic annotator on frozen input vectors that has seen neither the row nor, for the rows the predictor is fitted to,
the fold that is judged.

Two things it is not. By the data-processing inequality ``z'``, a function of ``x``, carries no Shannon information
about ``t`` beyond ``x``; it can be *usable* only because V is weaker than the function that computes ``z'``. A richer V
sees less in the same types, and a type is credited for being a non-linear feature of the input whatever it was made
from: :meth:`UsableInformation.difference` against clusters of the inputs takes that part off. And the family predicts
target *vectors*, not molecules: how well its ranking foretells that of the trained models is a matter of experiment.

It takes rows: with fewer than about fifteen per input component the value is mostly noise, or 0 where the predictor
does not trust the type. The standard error is that of the rows, given the clusters; clustering anew moves the value
too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from retort.config import option
from retort.elicitation.checks import Doubles, Floats, IdenticalRowsError, LabelError, Labels, matrix, type_ids
from retort.elicitation.families import Codebook, Family, Features, Linear
from retort.elicitation.probe import fit_probe, folds, out_of_fold, parts
from retort.elicitation.projection import pca

_Side: TypeAlias = "Callable[[Labels, Labels], tuple[Doubles, Doubles]]"
_STREAM = 0xB007  # chance of the bootstrap


@dataclass(frozen=True)
class InformationConfig:
    """How usable information is measured."""

    family: Literal["student", "gaussian", "codebook"] = option(
        "student", help="Family of predictors: linear with Student or normal residuals, or logistic over a codebook."
    )
    input_size: int = option(64, help="Principal components of the input vectors that annotator and predictor read.")
    target_size: int = option(16, help="Principal components of the target vectors that student and gaussian predict.")
    codes: int = option(32, help="Target centroids that codebook predicts.")
    folds: int = option(5, help="Folds of the rows; each is judged by what was fitted to the others.")
    inner_folds: int = option(3, help="Folds within these, for type probabilities of the rows that are fitted to.")
    draws: int = option(500, help="Bootstrap draws of the standard error.")
    seed: int = option(0, help="Seed of folds, draws and centroids.")


@dataclass(frozen=True, eq=False)
class Information:
    """The usable information of one clustering.

    Attributes:
        value: Nats per row.
        standard_error: Of the value, by bootstrap over rows (or groups of rows).
        gains: Log-likelihood with the type minus without, nats, [n]; their mean is the value.
        accuracy: Share of rows whose most probable type out of fold is theirs, 0..1; 1.0 for known types.
        majority: Share of rows of the largest type: the accuracy without reading anything.
        unconverged: Annotators whose fit did not come to rest.
    """

    value: float
    standard_error: float
    gains: Doubles
    accuracy: float
    majority: float
    unconverged: int


class UsableInformation:
    """The criterion for one set of train rows; everything that does not depend on the types is computed once.

    Args:
        inputs: Frozen vectors of the inputs [n, d].
        targets: Vectors of the targets [n, e], which no annotator sees.
        config: How to measure.
        groups: Ids [n] of rows that must not be parted by a fold, such as rows with the same input; none by default.

    Raises:
        VectorError: Vectors are not finite or of no size, or there are too few rows for the folds.
        IdenticalRowsError: All targets, or all inputs, are alike.
        LabelError: Inputs, targets and groups are not of the same rows.
    """

    def __init__(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        config: InformationConfig | None = None,
        groups: ArrayLike | None = None,
    ) -> None:
        self.config = config or InformationConfig()
        given, wanted = matrix(inputs, "the input vectors"), matrix(targets, "the target vectors")
        self._groups = (
            np.arange(len(given)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
        )
        if not len(given) == len(wanted) == len(self._groups):
            raise LabelError(f"{len(given)} inputs, {len(wanted)} targets and {len(self._groups)} groups do not match.")
        for vectors, what in ((given, "inputs"), (wanted, "targets")):
            if not np.ptp(vectors, axis=0).any():
                raise IdenticalRowsError(f"all {what} have the same vector.", "Give rows that differ.")
        self._folds = folds(len(given), self.config.folds, self.config.seed, self._groups)
        self._inputs = _standard(given, self.config.input_size)
        self._family = _family(self.config)
        self._targets = self._family.represent(wanted)

    def of(self, labels: ArrayLike, types: int) -> Information:
        """Return the usable information of the types that an annotator predicts from the input.

        Args:
            labels: The type of each row [n], which only annotators are trained on.
            types: Number of types.

        Raises:
            LabelError: A label is out of range, or there is not one per row.
        """
        given = type_ids(labels, types, len(self._inputs))
        guessed, unconverged = np.zeros(len(given), np.int64), 0

        def side(fit: Labels, judged: Labels) -> tuple[Doubles, Doubles]:
            nonlocal unconverged
            places = folds(len(fit), self.config.inner_folds, self.config.seed, self._groups[fit])
            inner, failed = out_of_fold(self._inputs[fit], given[fit], types, places)
            probe = fit_probe(self._inputs[fit], given[fit], types)
            outer = probe.probabilities(self._inputs[judged])
            guessed[judged] = outer.argmax(axis=1)
            unconverged += failed + (not probe.converged)
            return inner, outer

        gains = self._log_likelihood(side) - self._without
        return self._told(gains, given, float((guessed == given).mean()), unconverged)

    def of_known(self, labels: ArrayLike, types: int) -> Information:
        """Return what the true types would be worth: a bound for diagnosis, since no test row has them."""
        given = type_ids(labels, types, len(self._inputs))
        known = np.eye(types)[given]
        gains = self._log_likelihood(lambda fit, judged: (known[fit], known[judged])) - self._without
        return self._told(gains, given, 1.0, 0)

    def difference(self, first: Information, second: Information) -> tuple[float, float]:
        """Return how much more the first is worth than the second, nats per row, and its paired standard error."""
        gains = first.gains - second.gains
        return float(gains.mean()), self._standard_error(gains)

    @cached_property
    def _without(self) -> Doubles:
        """Log-likelihood of each row without any type, nats [n]."""
        return self._log_likelihood(None)

    def _log_likelihood(self, side: "_Side | None") -> Doubles:
        result = np.empty(len(self._inputs))
        for fit, judged in parts(self._folds):
            read, asked = (None, None) if side is None else side(fit, judged)
            result[judged] = self._family.log_likelihood(
                Features(self._inputs[fit], read),
                self._targets[fit],
                Features(self._inputs[judged], asked),
                self._targets[judged],
            )
        return result

    def _told(self, gains: Doubles, labels: Labels, accuracy: float, unconverged: int) -> Information:
        majority = float(np.bincount(labels).max() / len(labels))
        return Information(float(gains.mean()), self._standard_error(gains), gains, accuracy, majority, unconverged)

    def _standard_error(self, gains: Doubles) -> float:
        """Return the spread of the mean over bootstrap draws of groups."""
        sums, counts = np.bincount(self._groups, gains), np.bincount(self._groups)
        random = np.random.default_rng([self.config.seed, _STREAM])
        drawn = (random.integers(len(sums), size=len(sums)) for _ in range(self.config.draws))
        return float(np.std([sums[rows].sum() / counts[rows].sum() for rows in drawn], ddof=1))


def _standard(vectors: Floats, size: int) -> Doubles:
    """Return principal components [n, p] scaled together to a mean variance of 1."""
    kept = pca(vectors, min(size, *vectors.shape)).apply(vectors).astype(np.float64)
    scaled: Doubles = kept / np.sqrt(kept.var(axis=0).mean())
    return scaled


def _family(config: InformationConfig) -> Family:
    if config.family == "codebook":
        return Codebook(config.codes, config.seed)
    return Linear(config.target_size, 5.0 if config.family == "student" else math.inf)
