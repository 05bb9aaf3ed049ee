"""How far stated confidences are from what happens: calibration error, Brier score, reliability in bins.

The expected calibration error is ``sum_b n_b / N * |mean confidence_b - share right_b|`` (Naeini, Cooper and
Hauskrecht, AAAI 2015), here over 15 bins of equal mass (Nixon et al., CVPR workshops 2019); equal confidences are never
parted. It is above 0 even for a perfect model, by chance: :func:`chance_error` says by how much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError

Floats = NDArray[np.float64]
BINS = 15
_DRAWS = 200
_Z = 1.959964  # 97.5 % quantile of the normal distribution
_CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Candidates of like confidence.

    Attributes:
        n: How many.
        confidence: Their mean confidence.
        accuracy: Share that is the exact match.
        low, high: 95 % interval of that share (Wilson, J. Am. Stat. Assoc. 1927, 22, 209).
    """

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The figures of one set of candidates.

    Attributes:
        n: Candidates.
        accuracy: Share that is the exact match.
        error: Expected calibration error.
        chance: The error that a perfectly calibrated model would show on as many candidates.
        brier: Mean squared difference of confidence and outcome.
        log_loss: Mean negative log-likelihood of the outcomes, natural logarithm, confidences kept off 0 and 1.
        bins: The reliability diagram.
    """

    n: int
    accuracy: float
    error: float
    chance: float
    brier: float
    log_loss: float
    bins: tuple[Bin, ...]

    def figures(self) -> dict[str, float]:
        """Return everything but the bins."""
        names = ("n", "accuracy", "error", "chance", "brier", "log_loss")
        return {name: getattr(self, name) for name in names}


def reliability(confidence: Floats, right: Floats, bins: int = BINS) -> Reliability:
    """Compare confidences [n], 0 to 1, with outcomes [n], 0 or 1.

    Raises:
        DataError: There are none.
    """
    if not len(confidence):
        raise DataError("there are no candidates whose confidence could be judged.")
    places = equal_mass(confidence, bins)
    return Reliability(
        n=len(confidence),
        accuracy=float(right.mean()),
        error=_error(places, confidence, right),
        chance=chance_error(confidence, bins),
        brier=float(((confidence - right) ** 2).mean()),
        log_loss=float(log_losses(confidence, right).mean()),
        bins=tuple(_bin(confidence[places == b], right[places == b]) for b in np.unique(places)),
    )


def calibration_error(confidence: Floats, right: Floats, bins: int = BINS) -> float:
    """Return the expected calibration error of confidences [n] against outcomes [n]."""
    return _error(equal_mass(confidence, bins), confidence, right)


def chance_error(confidence: Floats, bins: int = BINS, seed: int = 0) -> float:
    """Return the mean calibration error where outcomes are drawn with exactly these probabilities [n], seeded."""
    places, rng = equal_mass(confidence, bins), np.random.default_rng(seed)
    drawn = (_error(places, confidence, rng.random(len(confidence)) < confidence) for _ in range(_DRAWS))
    return float(np.mean(list(drawn)))


def equal_mass(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Return the bin [n] of every confidence [n]: as many in each as equal values, which stay together, allow."""
    order = np.argsort(confidence, kind="stable")
    place = np.empty(len(confidence), np.int64)
    place[order] = np.arange(len(confidence)) * bins // len(confidence)
    _, first, group = np.unique(confidence[order], return_index=True, return_inverse=True)
    together = np.empty(len(confidence), np.int64)
    together[order] = place[order][first][group]
    return together


def log_losses(confidence: Floats, right: Floats) -> Floats:
    """Return the negative log-likelihood [n] of every outcome."""
    p = np.clip(confidence, _CLIP, 1 - _CLIP)
    return -np.log(np.where(right > 0, p, 1 - p))


def text_diagram(found: Reliability, width: int = 40) -> list[str]:
    """Return a reliability diagram as lines: ``#`` the share that is right, ``|`` the mean confidence."""
    lines = [f"{'confidence':>10} {'right':>7} {'n':>7}"]
    for b in found.bins:
        bar = ["#" if i < round(width * b.accuracy) else " " for i in range(width + 1)]
        bar[round(width * b.confidence)] = "|"
        lines.append(f"{b.confidence:>10.3f} {b.accuracy:>7.3f} {b.n:>7,} {''.join(bar).rstrip()}")
    return lines


def _error(places: NDArray[np.int64], confidence: Floats, right: Floats | NDArray[np.bool_]) -> float:
    """Sum over bins of |sum of confidences - number right|, divided by N."""
    return float(np.abs(np.bincount(places, confidence) - np.bincount(places, right)).sum() / len(confidence))


def _bin(confidence: Floats, right: Floats) -> Bin:
    n, share = len(right), float(right.mean())
    centre, spread = share + _Z**2 / (2 * n), _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    low, high = (float(end / (1 + _Z**2 / n)) for end in (centre - spread, centre + spread))
    # Where all or none are right, the interval ends at the share but for rounding, which may end it before.
    return Bin(n, float(confidence.mean()), share, min(share, max(0.0, low)), max(share, min(1.0, high)))
