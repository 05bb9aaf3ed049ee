"""Linear projections of vectors: none, PCA, or the random one of the published code; fitted once and stored.

SLM4CRP (arXiv 2404.09606) clusters a *random* projection of its vectors to two dimensions: its linear layer gets no
gradient. The published order, project every token and take the mean, is the same as this one, since
``mean(W h + b) = W mean(h) + b``. A projection knows nothing of what its input vectors mean.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from retort.elicitation import storage
from retort.elicitation.checks import Floats, matrix
from retort.errors import ConfigError, ModelError

Kind = Literal["none", "pca", "random"]
FORMAT, VERSION = "retort-projection", 1


@dataclass(frozen=True, eq=False)
class Projection:
    """The map ``x -> x weight + bias``.

    Attributes:
        kind: How it was made.
        weight: [d, p]; None for ``none``, which returns what it gets.
        bias: [p]; None for ``none``.
        seed: What the random one was drawn with.
        explained: Share of the variance that all p components of a PCA keep; 1.0 for ``none``, 0.0 (unknown) for
            ``random``.
    """

    kind: Kind
    weight: Floats | None = None
    bias: Floats | None = None
    seed: int = 0
    explained: float = 1.0

    @property
    def label(self) -> str:
        """What was done, for the record: ``none``, ``pca 16 of 512`` or ``random 2 of 512, seed 7``."""
        if self.weight is None:
            return self.kind
        size, kept = self.weight.shape
        return f"{self.kind} {kept} of {size}" + (f", seed {self.seed}" if self.kind == "random" else "")

    def apply(self, vectors: ArrayLike) -> Floats:
        """Return the projection [n, p] of vectors [n, d], float32.

        Raises:
            VectorError: They are not a finite matrix.
            ModelError: They are of another size than the projection was made for.
        """
        given = matrix(vectors)
        if self.weight is None or self.bias is None:
            return given
        if given.shape[1] != len(self.weight):
            raise ModelError(f"the projection reads vectors of size {len(self.weight)}, not {given.shape[1]}.")
        projected: Floats = (given.astype(np.float64) @ self.weight + self.bias).astype(np.float32)
        return projected

    def save(self, path: Path) -> None:
        """Write the projection; raises OutputError where the file cannot be written."""
        settings = {"kind": self.kind, "seed": self.seed, "explained": self.explained}
        arrays = {"weight": self.weight, "bias": self.bias}
        storage.write(path, FORMAT, VERSION, settings, {k: v for k, v in arrays.items() if v is not None})

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Read a projection; raises ModelError where the file is missing, damaged or of another version."""
        settings, arrays = storage.read(path, FORMAT, VERSION)
        weight, bias = arrays.get("weight"), arrays.get("bias")
        shapes = [None if a is None else a.shape for a in (weight, bias)]
        if weight is None or bias is None:
            fits = shapes == [None, None] and settings["kind"] == "none"
        else:
            fits = weight.ndim == 2 and bias.shape == weight.shape[1:]
        if not fits:
            raise ModelError(f"the arrays of {str(path)!r} do not fit together: {shapes}.")
        return cls(settings["kind"], weight, bias, int(settings["seed"]), float(settings["explained"]))


def random_projection(size: int, kept: int = 2, seed: int = 0) -> Projection:
    """Return the published projection of ``size`` numbers to ``kept``: weights of an untrained linear layer.

    Weights and bias are uniform in ``+-1 / sqrt(size)``, as ``torch.nn.Linear`` draws them.
    """
    bound = 1.0 / np.sqrt(size)
    drawn = np.random.default_rng(seed).uniform(-bound, bound, (size + 1, kept)).astype(np.float32)
    return Projection("random", drawn[:-1], drawn[-1], seed, 0.0)


def pca(vectors: ArrayLike, kept: int) -> Projection:
    """Fit principal components to vectors [n, d] and return the centring and projection onto the first ``kept``.

    Signs are fixed (scikit-learn's rule), so the same vectors give the same projection.

    Raises:
        VectorError: The vectors are not a finite matrix.
        ConfigError: There are fewer rows or columns than components.
    """
    from sklearn.decomposition import PCA

    given = matrix(vectors)
    if not 1 <= kept <= min(given.shape):
        raise ConfigError(
            f"{kept} components cannot be taken of {given.shape[0]} vectors of size {given.shape[1]}.",
            f"Ask for 1 to {min(given.shape)}.",
        )
    solver = "covariance_eigh" if given.shape[0] > given.shape[1] else "full"
    varied = bool(np.ptp(given, axis=0).any())
    if not varied:
        return Projection("pca", np.eye(given.shape[1], kept, dtype=np.float32), np.zeros(kept, np.float32), 0, 1.0)
    fitted = PCA(kept, svd_solver=solver).fit(given.astype(np.float64))
    weight = fitted.components_.T
    bias = -(fitted.mean_ @ weight)
    share = float(fitted.explained_variance_ratio_.sum())
    return Projection("pca", weight.astype(np.float32), bias.astype(np.float32), 0, min(share, 1.0))


def fit_projection(kind: Kind, vectors: ArrayLike, kept: int = 2, seed: int = 0) -> Projection:
    """Return a projection of one kind that fits vectors [n, d]; raises as :func:`pca`."""
    if kind == "pca":
        return pca(vectors, kept)
    return Projection("none") if kind == "none" else random_projection(matrix(vectors).shape[1], kept, seed)
