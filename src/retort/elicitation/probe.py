"""A small annotator on frozen vectors: multinomial logistic regression, and its predictions out of fold.

It stands in for the trained annotator where hundreds of clusterings are compared. It reads the vectors it is given and
no more; whether these hold the output is the caller's affair.

Legend: ``n`` rows, ``d`` vector size, ``k`` types.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from retort.elicitation.checks import Doubles, Labels, TooFewRowsError
from retort.errors import ConfigError

_ITERATIONS = 1000
_STREAM = 0xF01D  # folds never repeat the chance by which somebody else shuffled the rows with the same seed


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted logistic regression.

    Attributes:
        weight: float64 [d, k].
        bias: float64 [k]; minus infinity for a type that no row of the fit had.
        converged: Whether the optimiser came to rest.
    """

    weight: Doubles
    bias: Doubles
    converged: bool

    def probabilities(self, inputs: Doubles) -> Doubles:
        """Return the probability of each type, [n, k], for vectors [n, d]."""
        logits = inputs @ self.weight + self.bias
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        normal: Doubles = shifted / shifted.sum(axis=1, keepdims=True)
        return normal


def fit_probe(inputs: Doubles, labels: Labels, types: int, strength: float = 1.0) -> Probe:
    """Fit a probe to vectors [n, d] of about unit scale and their types [n].

    Args:
        inputs: Vectors.
        labels: Types, 0..types-1; one that does not occur gets the probability 0.
        types: Number of types.
        strength: Inverse weight of the squared coefficients against the summed log-loss.
    """
    weight, bias = np.zeros((inputs.shape[1], types)), np.full(types, -np.inf)
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0.0
        return Probe(weight, bias, True)
    fitted, converged = _logistic(inputs, labels, strength)
    two = len(present) == 2  # one row of coefficients stands for the second type against the first
    weight[:, present] = np.concatenate([0 * fitted.coef_, fitted.coef_]).T if two else fitted.coef_.T
    bias[present] = np.concatenate([0 * fitted.intercept_, fitted.intercept_]) if two else fitted.intercept_
    return Probe(weight, bias, converged)


def folds(rows: int, count: int, seed: int, groups: ArrayLike | None = None) -> Labels:
    """Return the fold of each row, int64 [rows] in ``0..count-1``, of like sizes; rows of a group share one.

    Raises:
        ConfigError: Fewer than two folds are asked for.
        TooFewRowsError: There are fewer groups than folds.
    """
    if count < 2:
        raise ConfigError(f"{count} folds were asked for.", "Ask for at least 2.")
    members = np.arange(rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    distinct = int(members.max(initial=-1)) + 1
    if len(members) != rows or distinct < count:
        raise TooFewRowsError(
            f"{distinct} groups of {rows} rows cannot be cut into {count} folds.",
            "Give more rows or ask for fewer folds.",
        )
    places = np.random.default_rng([seed, _STREAM]).permutation(distinct) % count
    return places[members].astype(np.int64)


def parts(places: Labels) -> Iterator[tuple[Labels, Labels]]:
    """Yield the row indices to fit on and to judge on, fold by fold."""
    for fold in range(int(places.max()) + 1):
        yield np.flatnonzero(places != fold), np.flatnonzero(places == fold)


def out_of_fold(inputs: Doubles, labels: Labels, types: int, places: Labels) -> tuple[Doubles, int]:
    """Return type probabilities [n, k] of each row by a probe that has not seen it, and how many did not converge."""
    probabilities, unconverged = np.zeros((len(inputs), types)), 0
    for fit, judged in parts(places):
        probe = fit_probe(inputs[fit], labels[fit], types)
        probabilities[judged] = probe.probabilities(inputs[judged])
        unconverged += not probe.converged
    return probabilities, unconverged


def _logistic(inputs: Doubles, labels: Labels, strength: float) -> tuple[Any, bool]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by the second value instead
        model.fit(inputs, labels)
    return model, int(model.n_iter_.max()) < _ITERATIONS
