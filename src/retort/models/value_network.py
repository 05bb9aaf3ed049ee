"""Networks that answer with a number and an interval, in numpy, and the molecules within which they may be asked.

Several small networks ``relu(x W + b)`` with the same layers look at standardised counts of a fingerprint. Each says a
mean, a lower and an upper quantile; the answer is their average. Each learned from other folds of the train rows, so
that its quantiles could be corrected on rows it had not seen: conformalised quantile regression (Romano, Patterson and
Candes, NeurIPS 2019) across folds. Weights are int8 with a scale per output on disk. No torch, no pickle.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError
from retort.models.boosted import ModelMeta, read_model, write_model
from retort.models.ranker import quantize

FORMAT, VERSION = "retort-value-network", 1
ABSENT = -1
Floats = NDArray[np.float32]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Domain:
    """The molecules of the train rows, and which of them met in one row.

    Attributes:
        words: Packed fingerprint bits of the distinct molecules, uint64 [m, words].
        rows: Places of the molecules of the distinct rows, int16 [r, k]; -1 fills up.
        least: Tanimoto similarity from which on a molecule is a counterpart of another.
    """

    words: Words
    rows: NDArray[np.int16]
    least: float

    def strangers(self, asked: Words) -> NDArray[np.int64]:
        """Return the places of molecules [q, words] that have no counterpart in any train row."""
        return np.flatnonzero(~self._counterparts(asked).any(axis=1))

    def exchanged(self, asked: Words) -> int:
        """Return by how many molecules a question [q, words] differs from the most similar train row.

        One is a molecule in the place of another, one too many, or one too few.
        """
        known = np.concatenate([self._counterparts(asked), np.zeros((len(asked), 1), bool)], axis=1)
        met = known[:, self.rows]  # [q, r, k]; the fillers look at the last column, which is nobody's counterpart
        theirs = (self.rows != ABSENT).sum(axis=1) - met.any(axis=0).sum(axis=1)
        ours = len(asked) - met.any(axis=2).sum(axis=0)
        return int(np.maximum(ours, theirs).min())

    def _counterparts(self, asked: Words) -> NDArray[np.bool_]:
        return np.stack([_tanimoto(words, self.words) for words in asked]) >= self.least  # [q, m]


@dataclass(frozen=True, slots=True)
class ValueNetwork:
    """Trained networks.

    Attributes:
        meta: What they are.
        columns: Bits of the fingerprint that they look at, int32 [f].
        centre: Mean of each column, float32 [f].
        scale: Its standard deviation, float32 [f].
        weights: Of each layer, float32 [networks, in, out].
        biases: Of each layer, float32 [networks, out].
        unit: Mean and standard deviation of the train answers, by which outputs are scaled.
        correction: What is added to both sides of the interval, in the unit of the answer.
        level: Share of answers that the interval is to cover.
        domain: Within which they may be asked.
    """

    meta: ModelMeta
    columns: NDArray[np.int32]
    centre: Floats
    scale: Floats
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    unit: tuple[float, float]
    correction: float
    level: float
    domain: Domain

    def outputs(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Return mean, lower and upper quantile of every network [networks, n, 3] for counts [n, bits]."""
        x = ((counts[:, self.columns] - self.centre) / self.scale)[None]
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = (np.maximum(x, 0) if layer else x) @ weights + biases[:, None]
        found: NDArray[np.float64] = x.astype(np.float64) * self.unit[1] + self.unit[0]
        return found

    def predict(self, counts: NDArray[Any], bounds: tuple[float, float]) -> NDArray[np.float64]:
        """Return value, lower and upper end [n, 3] within the bounds; the value lies within its interval."""
        value, low, high = self.outputs(counts).mean(axis=0).T
        ends = np.minimum(low - self.correction, value), np.maximum(high + self.correction, value)
        found: NDArray[np.float64] = np.clip(np.stack([value, *ends], axis=1), *bounds)
        return found

    def save(self, path: Path) -> None:
        """Write one file; raises OutputError where that is not possible."""
        meta = asdict(self.meta) | {"unit": self.unit, "correction": self.correction, "level": self.level}
        arrays: dict[str, Any] = {"columns": self.columns, "centre": self.centre, "scale": self.scale}
        for i, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            whole, scales = zip(*map(quantize, weights), strict=True)
            arrays |= {f"w{i}": np.stack(whole), f"s{i}": np.stack(scales), f"b{i}": biases}
        arrays |= {"domain_words": self.domain.words, "domain_rows": self.domain.rows}
        write_model(path, FORMAT, VERSION, meta | {"least": self.domain.least, "layers": len(self.weights)}, arrays)

    @classmethod
    def load(cls, path: Path) -> "ValueNetwork":
        """Read a file; raises ModelError where it is missing, damaged, of another kind or inconsistent in itself."""
        meta, arrays = read_model(path, FORMAT, VERSION)
        try:
            unit, correction, level, least, layers = (
                meta.pop(name) for name in ("unit", "correction", "level", "least", "layers")
            )
            found = cls(
                ModelMeta(**meta),
                arrays["columns"],
                arrays["centre"],
                arrays["scale"],
                tuple(arrays[f"w{i}"] * arrays[f"s{i}"][:, None] for i in range(layers)),
                tuple(arrays[f"b{i}"] for i in range(layers)),
                (unit[0], unit[1]),
                correction,
                level,
                Domain(arrays["domain_words"], arrays["domain_rows"], least),
            )
            _check(found)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(f"cannot use the model {str(path)!r}: {error}.", "Fetch or train it again.") from error
        return found


def _check(found: ValueNetwork) -> None:
    """Raise ValueError where the arrays do not fit each other."""
    widths = [len(found.columns), *(biases.shape[1] for biases in found.biases)]
    shapes = [(len(found.biases[0]), *pair) for pair in pairwise(widths)]
    columns = len(found.centre) == len(found.scale) == len(found.columns)
    if [weights.shape for weights in found.weights] != shapes or widths[-1] != 3 or not columns:
        raise ValueError("its arrays do not fit each other")
    if found.domain.rows.max() >= len(found.domain.words) or found.columns.max() >= found.meta.fingerprint["bits"]:
        raise ValueError("its molecules or columns do not exist")


def _tanimoto(asked: Words, known: Words) -> NDArray[np.float64]:
    """Return the Tanimoto similarity of one molecule [words] to each of several [m, words]."""
    common = np.bitwise_count(asked & known).sum(axis=1, dtype=np.int64)
    either = np.bitwise_count(asked | known).sum(axis=1, dtype=np.int64)
    found: NDArray[np.float64] = np.where(either > 0, common / np.maximum(either, 1), 1.0)
    return found


def distinct_rows(rows: Sequence[Sequence[int]]) -> NDArray[np.int16]:
    """Return the distinct sets of places as int16 [r, k], filled up with -1."""
    sets = sorted({tuple(sorted(set(row))) for row in rows})
    longest = max(map(len, sets))
    return np.array([[*row, *[ABSENT] * (longest - len(row))] for row in sets], np.int16)
