"""The ranker's network while it is trained, in torch; :mod:`retort.models.ranker` runs its weights without torch.

``logits = elu(x W1 + b1) W2 + b2``, where column c of ``[W2; b2]`` is a free vector plus the sum of the embeddings of
the features of class c (the idea of MHNreact, Seidl et al. 2022, folded into one matrix when exported).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.models.ranker import Floats, SparseRows

INPUT_SPREAD = 0.07  # standard deviation of W1 at the start: about 50 bits are set in a fingerprint
FEATURE_SPREAD = 0.002  # of the feature embeddings: about 100 features describe a template


@dataclass(frozen=True, slots=True)
class Weights:
    """Exported weights, float32: w1 [bits, hidden], b1 [hidden], w2 [hidden, classes], b2 [classes]."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats


class RankerNetwork(nn.Module):
    """Fingerprint -> logits of classes.

    Args:
        bits: Length of the fingerprint.
        hidden: Width of the hidden layer.
        features: One row of feature counts per class.
        dropout: Share of hidden units dropped while training.
    """

    def __init__(self, bits: int, hidden: int, features: SparseRows, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.first = nn.EmbeddingBag(bits, hidden, mode="sum")
        self.first_bias = nn.Parameter(torch.zeros(hidden))
        self.free = nn.Parameter(torch.zeros(len(features), hidden + 1))
        self.described = nn.EmbeddingBag(features.width, hidden + 1, mode="sum")
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.first.weight, std=INPUT_SPREAD)
        nn.init.normal_(self.described.weight, std=FEATURE_SPREAD)

    def forward(self, x: SparseRows, classes: Tensor) -> Tensor:
        """Return logits [b, c] of the chosen ``classes`` [c] for fingerprints ``x`` (b rows)."""
        hidden = self.dropout(functional.elu(_bag(self.first, x) + self.first_bias))
        weights = self.class_vectors(classes)
        return functional.linear(hidden, weights[:, :-1], weights[:, -1])

    def class_vectors(self, classes: Tensor) -> Tensor:
        """Return the output vectors [c, hidden + 1] of the chosen classes; the last entry is the bias."""
        return self.free[classes] + _bag(self.described, self.features.take(classes.numpy()))

    @torch.no_grad()
    def export(self) -> Weights:
        """Return the weights that :class:`retort.models.ranker.Ranker` takes; the feature embeddings are folded in."""
        vectors = self.class_vectors(torch.arange(len(self.features))).numpy()
        w2 = np.ascontiguousarray(vectors[:, :-1].T)
        return Weights(self.first.weight.numpy().copy(), self.first_bias.numpy().copy(), w2, vectors[:, -1].copy())


def _bag(table: nn.EmbeddingBag, rows: SparseRows) -> Tensor:
    """Return ``rows @ table``, [rows, table width]."""
    offsets = torch.from_numpy(rows.indptr[:-1])
    indices = torch.from_numpy(rows.indices.astype(np.int64))
    summed: Tensor = table(indices, offsets, per_sample_weights=torch.from_numpy(rows.values))
    return summed
