"""Families of predictors under which information counts as usable: linear or logistic, fitted in a second or so.

A family turns targets into something with a density, and says how likely held-out targets are given features. Every
family may ignore the type: it does so unless, on the rows it is fitted to, reading it helps rows left out by more than
a standard error. So types that say nothing are worth nothing, and not the cost of fitting them.

Legend: ``n`` rows, ``p`` features, ``m`` components of the target, ``k`` types, ``c`` codes.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retort.elicitation.checks import Doubles, Floats, Labels
from retort.elicitation.clustering import cluster
from retort.elicitation.probe import fit_probe, folds, parts
from retort.elicitation.projection import pca

_PENALTIES = tuple(10.0**i for i in range(-4, 2))  # of squared ridge coefficients, per row
_SCALES = (0.3, 1.0, 3.0)  # of type features beside inputs of unit scale: how little their use is penalised
_CAUTION = 1.0  # standard errors
_JITTER = 1e-9  # of the mean variance, on the diagonal of a residual covariance
_EM_STEPS = 8
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
class Linear:
    """Ridge regression of the target's principal components, with one full scale matrix of residuals for all rows.

    Residuals follow a multivariate Student t, or a normal distribution where ``freedom`` is infinite. The matrix is
    that of leave-one-out residuals (by maximum likelihood: Liu and Rubin, Stat. Sin. 1995, 5, 19), and the penalty and
    the scale of the type are those under which they are likeliest. Densities, so only differences of likelihoods mean
    anything; they do not depend on how the components are scaled or turned, so each of them counts alike.

    Attributes:
        size: Most components.
        freedom: Degrees of freedom; a normal distribution lets a few far rows outweigh all others.
    """

    size: int = 16
    freedom: float = 5.0

    def represent(self, targets: Floats) -> Doubles:
        """Return the first principal components [n, m] that vary, as float64."""
        kept = pca(targets, min(self.size, *targets.shape)).apply(targets).astype(np.float64)
        spread = kept.std(axis=0)
        return kept[:, spread > 1e-6 * max(float(spread.max()), 1e-30)]

    def log_likelihood(self, fit: Features, known: Doubles, judged: Features, truth: Doubles) -> Doubles:
        """Return the log-density [n] of each row's components [n, m]."""
        best, scale = self._likeliest(fit.inputs, known), 0.0
        if fit.types is not None:
            typed = [(self._likeliest(_design(fit, s), known), s) for s in _SCALES]
            choice = max(typed, key=lambda pair: pair[0].mean)
            best, scale = choice if _helps(choice[0].left_out - best.left_out) else (best, scale)
        return best.tails.density(truth - best.ridge.predict(_design(judged, scale)))

    def _likeliest(self, rows: Doubles, targets: Doubles) -> "_Fit":
        fits = []
        for ridge in _ridges(rows, targets):
            tails = _tails(ridge.residuals, self.freedom)
            fits.append(_Fit(ridge, tails, tails.density(ridge.residuals)))
        return max(fits, key=lambda fit: fit.mean)


@dataclass(frozen=True)
class Codebook:
    """Logistic regression of the nearest of ``codes`` target centroids: entropies of something that can be counted.

    Coarser than :class:`Linear` and safe against far outliers. Whether the type is read is decided on a third of
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

    def predict(self, rows: Doubles) -> Doubles:
        means: Doubles = rows @ self.coefficients + self.intercept
        return means


@dataclass(frozen=True, eq=False)
class _Tails:
    """A distribution of residuals around zero: scale matrix [m, m] and degrees of freedom."""

    scale: Doubles
    freedom: float

    def distances(self, residuals: Doubles) -> Doubles:
        """Return squared Mahalanobis distances, [n]."""
        root = np.linalg.cholesky(self.scale)
        squares: Doubles = (np.linalg.solve(root, residuals.T) ** 2).sum(axis=0)
        return squares

    def density(self, residuals: Doubles) -> Doubles:
        """Return log-densities, [n]."""
        size, squares = residuals.shape[1], self.distances(residuals)
        half_log_det = 0.5 * float(np.linalg.slogdet(self.scale)[1])
        if math.isinf(self.freedom):
            normal: Doubles = -0.5 * (squares + size * math.log(2 * math.pi)) - half_log_det
            return normal
        whole = 0.5 * (self.freedom + size)
        constant = math.lgamma(whole) - math.lgamma(0.5 * self.freedom) - 0.5 * size * math.log(self.freedom * math.pi)
        logs: Doubles = constant - half_log_det - whole * np.log1p(squares / self.freedom)
        return logs


@dataclass(frozen=True, eq=False)
class _Fit:
    """A regression, the distribution of its residuals, and the log-density [n] of each fitted row by the others."""

    ridge: _Ridge
    tails: _Tails
    left_out: Doubles

    @property
    def mean(self) -> float:
        return float(self.left_out.mean())


def _tails(residuals: Doubles, freedom: float) -> _Tails:
    """Fit a scale matrix by expectation-maximisation, from the covariance on."""
    tails = _Tails(_jittered(residuals.T @ residuals / len(residuals)), freedom)
    for _ in range(0 if math.isinf(freedom) else _EM_STEPS):
        weights = (freedom + residuals.shape[1]) / (freedom + tails.distances(residuals))
        tails = _Tails(_jittered((weights[:, None] * residuals).T @ residuals / len(residuals)), freedom)
    return tails


def _jittered(matrix: Doubles) -> Doubles:
    lifted: Doubles = matrix + _JITTER * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    return lifted


def _helps(gains: Doubles) -> bool:
    """Tell whether the mean of gains [n] is above zero by more than chance."""
    return bool(gains.mean() > _CAUTION * gains.std() / np.sqrt(len(gains)))


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
