"""Calibrated confidence: P(this candidate is the exact match), from the scores and ranks of one query's candidates.

Two forms. With log-probabilities ``s_1 .. s_k`` of the k candidates, *temperature* is a softmax with one more outcome,
"none of them", whose weight grows with the mass ``R`` that the proposer left outside of them (after Guo et al., ICML
2017)::

    P(i) = exp(s_i / T) / (exp(b) * R**c + sum_j exp(s_j / T)),    R = 1 - sum_j exp(s_j), at least 1e-4

With T = 1, b = 0 and c = 1 that is ``exp(s_i)`` itself; with c = 0 "none" has a constant weight.

*Isotonic* maps ``exp(s_i)`` to a probability by a curve that never falls, one for each proposer and pool of ranks
(Zadrozny and Elkan, KDD 2002), linear between its knots and constant beyond them.

At most one candidate can be the exact match, so the confidences of one query sum to at most 1: where curves say more,
all are divided by the sum. A file also says whether confidence may rise with the rank (``ordered`` false) because the
fitting rows said so; otherwise neighbours that rise are replaced by their mean. Values are cut to six decimals.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from retort.config import build
from retort.errors import ConfigError, ModelError, OutputError

Floats = NDArray[np.float64]
Method = Literal["temperature", "isotonic"]
FORMAT, VERSION = "retort-calibration", 1
_DECIMALS = 1_000_000
_LEAST_REST = 1e-4


class Curve(Protocol):
    """What turns scores into probabilities, before they are made to fit each other."""

    def probabilities(self, scores: Floats, proposers: Sequence[str]) -> Floats | None:
        """Return one probability per candidate [k], best first; None where a proposer is unknown to the fit."""
        ...


@dataclass(frozen=True, slots=True)
class Temperature:
    """Softmax over the candidates and "none of them".

    Attributes:
        temperature: T; above 1 the scores were too sure of themselves.
        none: b, the logit of "none of them" where R is 1.
        rest: c, how much that depends on R.
    """

    temperature: float
    none: float
    rest: float

    def probabilities(self, scores: Floats, proposers: Sequence[str]) -> Floats | None:  # noqa: ARG002
        """Return P(i) [k] as in the module's formula, whoever proposed the candidates."""
        logits = np.append(scores / self.temperature, self.none + self.rest * float(log_rest(scores)))
        masses = np.exp(logits - logits.max())
        found: Floats = masses / masses.sum()
        return found[:-1]


@dataclass(frozen=True, slots=True)
class Pool:
    """One curve: candidates of one proposer with like ranks.

    Attributes:
        proposer: The name that the candidates carry.
        first: Lowest rank, counted from 1.
        last: Highest rank.
        knots: ``(exp(score), probability)``, both ascending.
    """

    proposer: str
    first: int
    last: int
    knots: tuple[tuple[float, float], ...]

    def value(self, score: float) -> float:
        """Return the probability at a log-probability."""
        x, y = np.array(self.knots, np.float64).T
        return float(np.interp(np.exp(score), x, y))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Curves by proposer and rank."""

    pools: tuple[Pool, ...]

    def probabilities(self, scores: Floats, proposers: Sequence[str]) -> Floats | None:
        """Return the curves' values [k]; None where a proposer has no curve for a rank."""
        found = [self._pool(name, rank) for rank, name in enumerate(proposers, start=1)]
        pools = [pool for pool in found if pool is not None]
        if len(pools) < len(found):
            return None
        return np.array([pool.value(float(s)) for s, pool in zip(scores, pools, strict=True)], np.float64)

    def _pool(self, proposer: str, rank: int) -> Pool | None:
        return next((p for p in self.pools if p.proposer == proposer and p.first <= rank <= p.last), None)


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration of one task; the contents of ``calibration/<task>.json``.

    Attributes:
        top_k: Ranks it was fitted on; candidates below have no confidence.
        fitted_for: What made the answers; others get no confidence.
        rows: Queries with candidates that it was fitted on.
        data_sha256: SHA-256 of the files of predictions that it was fitted on.
        ordered: Confidence does not rise with the rank.
        temperature: The softmax, where that is the method.
        pools: The curves, where they are the method.
        cross_validation: Figures out of fold on the fitting rows, for the record.
    """

    task: str
    method: Method
    top_k: int
    fitted_for: dict[str, Any]
    rows: int
    data_sha256: str
    ordered: bool = True
    temperature: Temperature | None = None
    pools: tuple[Pool, ...] = ()
    cross_validation: dict[str, Any] | None = None

    @property
    def curve(self) -> Curve:
        """The fitted curve."""
        return Isotonic(self.pools) if self.temperature is None else self.temperature

    def confidences(self, scores: Sequence[float], proposers: Sequence[str]) -> list[float | None]:
        """Return one confidence per candidate of a whole ranking, best first; None where there is none.

        Args:
            scores: Log-probabilities of all candidates, not of the first few alone.
            proposers: The names that the candidates carry.
        """
        head = np.asarray(scores[: self.top_k], np.float64)
        found = self.curve.probabilities(head, proposers[: self.top_k]) if head.size else None
        if found is None:
            return [None] * len(scores)
        cut = np.floor(coherent(found, ordered=self.ordered) * _DECIMALS) / _DECIMALS
        return [*cut.tolist(), *[None] * (len(scores) - len(cut))]

    def save(self, path: Path) -> None:
        """Write the file; raises OutputError where that is not possible."""
        text = json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1, allow_nan=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", "utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a calibration.

        Raises:
            ModelError: The file is missing, damaged, of another format, or holds curves that cannot be.
        """
        try:
            values = json.loads(path.read_text("utf-8"))
            found = (values.pop("format"), values.pop("version"))
            if found != (FORMAT, VERSION):
                raise ModelError(f"{str(path)!r} has format {found}, not {(FORMAT, VERSION)}.")
            calibration = build(cls, values, str(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"cannot read the calibration {str(path)!r}: {error}.", "Fit it again.") from error
        except ConfigError as error:
            raise ModelError(error.message, "Fit the calibration again.") from error
        if not _sound(calibration):
            raise ModelError(f"{str(path)!r} holds a curve that cannot be.", "Fit the calibration again.")
        return calibration


def log_rest(scores: Floats) -> Floats:
    """Return the logarithm of R [...] of candidates with log-probabilities ``scores`` [..., k]."""
    found: Floats = np.log(np.clip(1 - np.exp(scores).sum(axis=-1), _LEAST_REST, None))
    return found


def coherent(probabilities: Floats, *, ordered: bool) -> Floats:
    """Make the probabilities [k] of candidates that exclude one another fit: their sum is at most 1.

    Args:
        probabilities: Best candidate first.
        ordered: Also replace values that rise with the rank by their mean (the nearest sequence that never rises).
    """
    fitted = -rising(-probabilities, np.ones_like(probabilities)) if ordered else probabilities
    total = float(fitted.sum())
    return fitted / total if total > 1 else fitted


def rising(values: Floats, weights: Floats) -> Floats:
    """Return the sequence [n] that never falls and is nearest to ``values`` [n] by weighted squares.

    Pool-adjacent-violators: Ayer et al., Ann. Math. Stat. 1955, 26, 641.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, mass, count), (left, left_mass, left_count) = blocks.pop(), blocks.pop()
            whole = mass + left_mass
            blocks.append(((mean * mass + left * left_mass) / whole, whole, count + left_count))
    return np.repeat([mean for mean, _, _ in blocks], [count for _, _, count in blocks])


def _sound(calibration: Calibration) -> bool:
    chosen = calibration.temperature
    if calibration.top_k < 1 or (calibration.method == "temperature") != (chosen is not None):
        return False
    if chosen is not None:
        finite = np.isfinite((chosen.temperature, chosen.none, chosen.rest)).all()
        return not calibration.pools and chosen.temperature > 0 and bool(finite)
    return bool(calibration.pools) and all(_rises(pool.knots) for pool in calibration.pools)


def _rises(knots: Sequence[tuple[float, float]]) -> bool:
    table = np.array(knots, np.float64).reshape(-1, 2)
    inside = np.isfinite(table).all() and ((table >= 0) & (table <= 1 + 1e-6)).all()
    return len(table) > 0 and bool(inside) and bool((np.diff(table, axis=0) >= 0).all())
