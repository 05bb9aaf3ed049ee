"""Families of predictors under which information counts as usable: small, fast, and fitted in closed form or convex.

A family turns targets into something with a density, and says how likely held-out targets are given features. Every
family may ignore the type: it does so unless, on the rows it is fitted to, reading it helps rows left out by more than
two standard errors. So types that say nothing are worth nothing, and not the cost of fitting them.

Legend: ``n`` rows, ``p`` features, ``m`` components of the target, ``k`` types, ``c`` codes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from retort.elicitation.checks import Doubles, Floats, Labels
from retort.elicitation.clustering import cluster
from retort.elicitation.probe import fit_probe, folds, parts
from retort.elicitation.projection import pca

_PENALTIES = tuple(10.0**i for i in range(-4, 2))  # of squared ridge coefficients, per row
_SCALES = (0.3, 1.0, 3.0)  # of type features beside inputs of unit scale: how little their use is penalised
_CAUTION = 2.0  # standard errors
_JITTER = 1e-9  # of the mean variance, on the diagonal of a residual covariance
_STRENGTH = 10.0  # inverse penalty of the logistic regression of codes
_UNIFORM = 0.01  # share of probability spread evenly over all codes


@dataclass(frozen=True, eq=False)
class Features:
    """What a predictor may read of some rows.

    Attributes:
        inputs: Input vectors of about unit scale, float64 [n, p].
        types: Type probabilities, float64 [n, k]; None where the type is not to be read.
    """

    inputs: Doubles
    types: Doubles | None = None


class Family(Protocol):
    """A family of predictive distributions."""

    def represent(self, targets: Floats) -> Doubles:
        """Return targets [n, d] in the form the family predicts, [n, m]; the same for every clustering."""
        ...

    def log_likelihood(self, fit: Features, known: Doubles, judged: Features, truth: Doubles) -> Doubles:
        """Return ``ln q(truth | judged)`` of each row in nats, [n]; ``q`` is fitted to ``known`` given ``fit``."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """Ridge regression of the target's principal components, with one full residual covariance for all rows.

    The penalty and the scale of the type are those of the least ``log det`` of the covariance of leave-one-out
    residuals, which is also the predictive covariance. Densities, so only differences of likelihoods mean anything;
    they do not depend on how the components are scaled or turned.

    Attributes:
        size: Most components.
    """

    size: int = 16

    def represent(self, targets: Floats) -> Doubles:
        """Return the first principal components [n, m] that vary, as float64."""
        kept = pca(targets, min(self.size, *targets.shape)).apply(targets).astype(np.float64)
        spread = kept.std(axis=0)
        return kept[:, spread > 1e-6 * max(float(spread.max()), 1e-30)]

    def log_likelihood(self, fit: Features, known: Doubles, judged: Features, truth: Doubles) -> Doubles:
        """Return the log-density [n] of each row's components [n, m]."""
        best, scale = _least(_ridges(fit.inputs, known)), 0.0
        if fit.types is not None:
            typed = [(_least(_ridges(_design(fit, s), known)), s) for s in _SCALES]
            choice = min(typed, key=lambda pair: pair[0].log_det)
            best, scale = choice if _helps(choice[0].left_out - best.left_out) else (best, scale)
        return best.density(truth - best.predict(_design(judged, scale)))


@dataclass(frozen=True)
class Codebook:
    """Logistic regression of the nearest of ``codes`` target centroids: entropies of something that can be counted.

    Coarser than :class:`Gaussian` and safe against far outliers. Whether the type is read is decided on a third of
    the rows held back from the fit.

    Attributes:
        codes: Number of centroids.
        seed: Of the centroids and of the rows held back.
    """

    codes: int = 32
    seed: int = 0

    def represent(self, targets: Floats) -> Doubles:
        """Return the code of each row, [n, 1]; raises VectorError where there are too few distinct targets."""
        return cluster(targets, self.codes, self.seed).assign(targets)[:, None].astype(np.float64)

    def log_likelihood(self, fit: Features, known: Doubles, judged: Features, truth: Doubles) -> Doubles:
        """Return the log-probability [n] of each row's code [n, 1]."""
        scale = 0.0
        if fit.types is not None:
            inner, held = next(parts(folds(len(known), 3, self.seed)))
            plain, typed = (self._logs(_design(fit, s), known, inner, held) for s in (0.0, 1.0))
            scale = float(_helps(typed - plain))
        rows = np.concatenate([_design(fit, scale), _design(judged, scale)])
        codes = np.concatenate([known, truth])
        return self._logs(rows, codes, np.arange(len(known)), np.arange(len(known), len(rows)))

    def _logs(self, rows: Doubles, codes: Doubles, fit: Labels, judged: Labels) -> Doubles:
        labels = codes[:, 0].astype(np.int64)
        chances = fit_probe(rows[fit], labels[fit], self.codes, _STRENGTH).probabilities(rows[judged])
        right = chances[np.arange(len(judged)), labels[judged]]
        logs: Doubles = np.log((1 - _UNIFORM) * right + _UNIFORM / self.codes)
        return logs


@dataclass(frozen=True, eq=False)
class _Ridge:
    """A fitted regression: coefficients [p, m], intercept [m], leave-one-out residuals [n, m] of the fitted rows."""

    coefficients: Doubles
    intercept: Doubles
    residuals: Doubles

    @cached_property
    def covariance(self) -> Doubles:
        """That of the residuals, [m, m]."""
        products = self.residuals.T @ self.residuals / len(self.residuals)
        jittered: Doubles = products + _JITTER * np.trace(products) / len(products) * np.eye(len(products))
        return jittered

    @cached_property
    def log_det(self) -> float:
        return float(np.linalg.slogdet(self.covariance)[1])

    @property
    def left_out(self) -> Doubles:
        """Log-density of each fitted row by the others, [n]."""
        return self.density(self.residuals)

    def predict(self, rows: Doubles) -> Doubles:
        means: Doubles = rows @ self.coefficients + self.intercept
        return means

    def density(self, residuals: Doubles) -> Doubles:
        """Return the log-density [n] of residuals [n, m] under the covariance."""
        solved = np.linalg.solve(self.covariance, residuals.T).T
        constant = self.log_det + residuals.shape[1] * np.log(2 * np.pi)
        logs: Doubles = -0.5 * ((residuals * solved).sum(axis=1) + constant)
        return logs


def _helps(gains: Doubles) -> bool:
    """Tell whether the mean of gains [n] is above zero by more than chance."""
    return bool(gains.mean() > _CAUTION * gains.std() / np.sqrt(len(gains)))


def _least(ridges: list[_Ridge]) -> _Ridge:
    return min(ridges, key=lambda ridge: ridge.log_det)


def _design(features: Features, scale: float) -> Doubles:
    """Return what the regression reads, [n, p] or [n, p + k]; nothing of the type where the scale is 0."""
    if features.types is None or scale == 0.0:
        return features.inputs
    return np.concatenate([features.inputs, scale * features.types], axis=1)


def _ridges(rows: Doubles, targets: Doubles) -> list[_Ridge]:
    """Fit one regression per penalty; residuals left out are ``e / (1 - h)``, with ``h`` the row's leverage."""
    middle, mean = rows.mean(axis=0), targets.mean(axis=0)
    centred, wanted = rows - middle, targets - mean
    values, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes
    moments, squares = turned.T @ wanted, turned**2
    fitted = []
    for penalty in _PENALTIES:
        weights = 1.0 / (np.maximum(values, 0.0) + penalty * len(rows))
        leverage = np.minimum(squares @ weights + 1.0 / len(rows), 0.999)
        shrunk = weights[:, None] * moments
        coefficients = axes @ shrunk
        residuals = (wanted - turned @ shrunk) / (1.0 - leverage)[:, None]
        fitted.append(_Ridge(coefficients, mean - middle @ coefficients, residuals))
    return fitted
