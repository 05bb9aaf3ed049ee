"""Reaction types as clusters of reaction vectors: k-means, labels that last, and how far a clustering can be trusted.

A type is the nearest stored centroid, so a label is the same today and after a reload, with numpy alone. Numbers of
types mean nothing between two runs until :func:`align` has matched them. k-means (Lloyd, IEEE Trans. Inf. Theory 1982,
28, 129, seeded by k-means++) finds round clusters of like spread and always as many as it is asked for: it cannot say
that there are none.

Legend: ``n`` rows, ``d`` vector size, ``k`` types.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retort.elicitation import storage
from retort.elicitation.checks import (
    EmptyTypeError,
    Floats,
    IdenticalRowsError,
    LabelError,
    Labels,
    TooFewRowsError,
    matrix,
    type_ids,
)
from retort.errors import ConfigError, ModelError

FORMAT, VERSION = "retort-clustering", 1
_CHUNK = 65_536  # rows whose distances are held at a time


@dataclass(frozen=True, eq=False)
class Clustering:
    """A frozen clustering.

    Attributes:
        centroids: float32 [k, d]; the row number is the type id.
        seed: Seed of the starts.
        n_init: How many starts the best was taken of.
        inertia: Sum of squared distances of the fitted rows to their centroids, in squared units of the vectors.
    """

    centroids: Floats
    seed: int
    n_init: int
    inertia: float

    @property
    def types(self) -> int:
        """The number of types."""
        return len(self.centroids)

    def assign(self, vectors: ArrayLike) -> Labels:
        """Return the nearest centroid of each vector [n, d], int64 [n]; of equally near ones the first.

        Raises:
            VectorError: They are not a finite matrix.
            ModelError: They are of another size than the centroids.
        """
        given = matrix(vectors)
        if given.shape[1] != self.centroids.shape[1]:
            raise ModelError(f"the types are of vectors of size {self.centroids.shape[1]}, not {given.shape[1]}.")
        centre = self.centroids.mean(axis=0, dtype=np.float64)  # large common offsets cost no digits
        points = self.centroids - centre
        halves = 0.5 * np.einsum("kd,kd->k", points, points)
        parts = (given[i : i + _CHUNK] - centre for i in range(0, len(given), _CHUNK))
        return np.concatenate([np.argmin(halves - part @ points.T, axis=1) for part in parts]).astype(np.int64)

    def renumbered(self, names: ArrayLike) -> "Clustering":
        """Return the same clusters under new numbers: type ``i`` becomes ``names[i]`` (a permutation [k])."""
        order = type_ids(names, self.types, self.types)
        if len(np.unique(order)) != self.types:
            raise LabelError(f"{order.tolist()} is not a permutation of the {self.types} types.")
        return replace(self, centroids=self.centroids[np.argsort(order)])

    def save(self, path: Path) -> None:
        """Write the clustering; raises OutputError where the file cannot be written."""
        settings = {"seed": self.seed, "n_init": self.n_init, "inertia": self.inertia}
        storage.write(path, FORMAT, VERSION, settings, {"centroids": self.centroids})

    @classmethod
    def load(cls, path: Path) -> "Clustering":
        """Read a clustering; raises ModelError where the file is missing, damaged or of another version."""
        settings, arrays = storage.read(path, FORMAT, VERSION)
        centroids = arrays.get("centroids")
        if centroids is None or centroids.ndim != 2 or not np.isfinite(centroids).all():
            raise ModelError(f"{str(path)!r} holds no centroids.", "Copy the file or elicit the types again.")
        return cls(centroids, int(settings["seed"]), int(settings["n_init"]), float(settings["inertia"]))


def cluster(vectors: ArrayLike, types: int, seed: int = 0, n_init: int = 10) -> Clustering:
    """Fit k-means to vectors [n, d], unscaled, at most 300 iterations a start.

    Raises:
        ConfigError: Fewer than two types or no start are asked for.
        NonFiniteError: A vector is not finite.
        TooFewRowsError: There are fewer rows than types.
        IdenticalRowsError: There are fewer distinct rows than types.
        EmptyTypeError: A type has no row although there are rows enough.
    """
    from sklearn.cluster import KMeans

    if types < 2 or n_init < 1:
        raise ConfigError(f"{types} types and {n_init} starts were asked for.", "Ask for at least 2 types and 1 start.")
    given = matrix(vectors)
    _refuse_scarce(given, types)
    fitted = KMeans(types, n_init=n_init, random_state=seed).fit(given)
    found = Clustering(fitted.cluster_centers_.astype(np.float32), seed, n_init, float(fitted.inertia_))
    counts = sizes(found.assign(given), types)
    if not counts.all():
        raise EmptyTypeError(f"type {int(counts.argmin())} of {types} has no row.", "Ask for fewer types.")
    return found


def sizes(labels: ArrayLike, types: int) -> NDArray[np.int64]:
    """Return the number of rows of each type, [k]; raises LabelError for a label out of range."""
    return np.bincount(type_ids(labels, types), minlength=types).astype(np.int64)


def entropy(counts: ArrayLike) -> float:
    """Return the entropy of sizes [k] in nats: ``-sum p log p``, from 0 to ``log k``.

    Raises:
        LabelError: There is no row.
    """
    numbers = np.asarray(counts, np.float64)
    if not numbers.sum() > 0:
        raise LabelError("there is no row whose type could be counted.")
    shares = numbers[numbers > 0] / numbers.sum()
    return max(0.0, float(-(shares * np.log(shares)).sum()))


def normalised_entropy(counts: ArrayLike) -> float:
    """Return :func:`entropy` as a share of its greatest value, ``log k``: 1.0 for k >= 2 types of equal size."""
    numbers = np.asarray(counts)
    return entropy(numbers) / float(np.log(len(numbers))) if len(numbers) > 1 else 0.0


def contingency(labels: ArrayLike, reference: ArrayLike, types: int) -> NDArray[np.int64]:
    """Return how many rows have label i here and label j in the reference, [k, k]; raises LabelError."""
    rows = type_ids(labels, types)
    columns = type_ids(reference, types, len(rows))
    return np.bincount(rows * types + columns, minlength=types * types).reshape(types, types).astype(np.int64)


def align(labels: ArrayLike, reference: ArrayLike, types: int) -> Labels:
    """Return the name in the reference's numbering of each type here, a permutation [k].

    The assignment under which most rows agree (Kuhn, Nav. Res. Logist. Q. 1955, 2, 83); ``names[labels]`` are the
    labels renamed.

    Raises:
        LabelError: A label is out of range, or the two are not of the same rows.
    """
    from scipy.optimize import linear_sum_assignment

    _, names = linear_sum_assignment(contingency(labels, reference, types), maximize=True)
    return np.asarray(names, np.int64)


def agreement(labels: ArrayLike, reference: ArrayLike, types: int) -> float:
    """Return the share of rows with equal labels once the numbers are aligned, 0..1; raises as :func:`align`."""
    table = contingency(labels, reference, types)
    return float(table[np.arange(types), align(labels, reference, types)].sum() / max(table.sum(), 1))


def adjusted_rand(labels: ArrayLike, reference: ArrayLike) -> float:
    """Return the adjusted Rand index: 1 for equal partitions, 0 on average for unrelated ones, whatever the numbers.

    Hubert and Arabie, J. Classif. 1985, 2, 193.
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(np.asarray(reference), np.asarray(labels)))


@dataclass(frozen=True, slots=True)
class Stability:
    """How alike repeated clusterings of the same vectors are.

    Attributes:
        mean: Mean adjusted Rand index over all pairs of repetitions.
        lowest: That of the least alike pair.
        runs: Number of repetitions.
    """

    mean: float
    lowest: float
    runs: int


def stability(
    vectors: ArrayLike, types: int, seeds: Sequence[int], *, n_init: int = 1, bootstrap: bool = True
) -> Stability:
    """Cluster once per seed and compare the labels of all rows, pair by pair.

    With ``bootstrap`` each repetition is fitted to as many rows drawn with replacement, so that chance in the data
    counts as well as the start (Ben-Hur, Elisseeff and Guyon, Pac. Symp. Biocomput. 2002, 6).

    Raises:
        ConfigError: Fewer than two seeds are given.
        VectorError: As :func:`cluster`.
    """
    if len(seeds) < 2:
        raise ConfigError(f"{len(seeds)} seeds cannot be compared.", "Give at least two.")
    given = matrix(vectors)
    runs = []
    for seed in seeds:
        rows = np.random.default_rng(seed).integers(len(given), size=len(given)) if bootstrap else np.arange(len(given))
        runs.append(cluster(given[rows], types, seed, n_init).assign(given))
    indices = [adjusted_rand(a, b) for a, b in combinations(runs, 2)]
    return Stability(float(np.mean(indices)), min(indices), len(runs))


def _refuse_scarce(vectors: Floats, types: int) -> None:
    """Raise unless there are as many rows, and as many different ones, as types."""
    if len(vectors) < types:
        raise TooFewRowsError(
            f"{len(vectors)} rows cannot make {types} types.", "Give more rows or ask for fewer types."
        )
    seen: set[bytes] = set()
    for row in vectors:
        seen.add((row + np.float32(0)).tobytes())  # -0.0 is 0.0
        if len(seen) == types:
            return
    raise IdenticalRowsError(
        f"{len(vectors)} rows hold {len(seen)} distinct vectors, too few for {types} types.",
        "Ask for fewer types or choose an encoding that tells the rows apart.",
    )
