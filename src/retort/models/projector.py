"""From the vectors of a molecule's atoms to tokens that a language model reads.

Granularity says how many tokens a molecule becomes: one per ``atom`` (PRESTO, arXiv:2406.13193), one for the whole
``graph`` (the mean of its atoms), or a fixed number of learned ``queries`` that attend to its atoms (in the manner of
the Perceiver resampler, Alayrac et al. 2022, arXiv:2204.14198). The projector, linear or with one hidden GELU layer
(Liu et al. 2023, arXiv:2310.03744), then gives them the width of the language model.

Legend: ``g`` graphs, ``a`` atoms of all graphs, ``m`` atoms of the largest, ``k`` queries, ``n`` tokens of all graphs,
``d`` width of the atoms' vectors, ``w`` width of the language model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from retort.config import option
from retort.errors import ConfigError
from retort.models.graph_batch import GraphBatch

Granularity = Literal["atom", "graph", "queries"]


@dataclass(frozen=True, slots=True)
class ProjectorConfig:
    """How a molecule's atoms become tokens of a language model."""

    granularity: Granularity = option("atom", help="Tokens of a molecule: atom (one each), graph (one) or queries.")
    queries: int = option(8, help="Learned queries, where granularity is queries.")
    heads: int = option(4, help="Attention heads of the queries.")
    layers: int = option(2, help="Layers of the projector: 1 is linear, 2 has a hidden GELU layer.")

    def __post_init__(self) -> None:
        if self.layers not in (1, 2):
            raise ConfigError(f"a projector of {self.layers} layers is not known.", "Use 1 (linear) or 2 (GELU).")
        if self.queries < 1 or self.heads < 1:
            raise ConfigError(f"{self.queries} queries with {self.heads} heads read nothing.")

    def tokens(self, atoms: int) -> int:
        """Return how many tokens a molecule of so many atoms becomes."""
        return {"atom": atoms, "graph": 1, "queries": self.queries}[self.granularity]


class Projector(nn.Module):
    """Vectors of a molecule's atoms -> tokens of a language model."""

    def __init__(self, config: ProjectorConfig, width: int, model_width: int) -> None:
        super().__init__()
        if config.granularity == "queries" and width % config.heads:
            raise ConfigError(f"{config.heads} attention heads do not divide a width of {width}.")
        self.config = config
        self.queries = Queries(config.queries, width, config.heads) if config.granularity == "queries" else None
        hidden = [nn.Linear(width, model_width), nn.GELU()] if config.layers == 2 else []
        self.layers = nn.Sequential(*hidden, nn.Linear(model_width if hidden else width, model_width))

    def forward(self, states: Tensor, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Return the tokens [n, w] of all molecules, one after another, and how many each has [g].

        Args:
            states: Vectors of all atoms; [a, d].
            batch: The molecules they belong to.
        """
        if self.config.granularity == "atom":
            return self.layers(states), batch.sizes
        if self.queries is None:
            return self.layers(mean_by_graph(states, batch)), torch.ones_like(batch.sizes)
        read = self.queries(states, batch).flatten(0, 1)
        return self.layers(read), torch.full_like(batch.sizes, self.config.queries)


class Queries(nn.Module):
    """Learned queries that attend to the atoms of one molecule at a time, then pass a feed-forward layer."""

    def __init__(self, count: int, width: int, heads: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, states: Tensor, batch: GraphBatch) -> Tensor:
        """Return what the queries have read of each molecule; [g, k, d]."""
        queries = self.start.expand(len(batch), *self.start.shape)
        if not len(batch):
            return queries
        atoms, present = padded(self.norm(states), batch)
        heard, _ = self.attention(queries, atoms, atoms, key_padding_mask=~present, need_weights=False)
        read = queries + heard
        refined: Tensor = read + self.feed_forward(read)
        return refined


def mean_by_graph(states: Tensor, batch: GraphBatch) -> Tensor:
    """Return the mean of each molecule's atoms; [g, d]."""
    total = states.new_zeros(len(batch), states.shape[1]).index_add(0, batch.owners, states)
    return total / batch.sizes[:, None]


def padded(states: Tensor, batch: GraphBatch) -> tuple[Tensor, Tensor]:
    """Return rows of atoms, one molecule a row, padded with zeros, and where atoms are; [g, m, d] and bool [g, m]."""
    places = torch.arange(int(batch.sizes.max()), device=states.device)
    present = places < batch.sizes[:, None]
    rows = states.new_zeros(*present.shape, states.shape[1])
    rows[present] = states
    return rows, present


def merged(parts: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join tokens of several readers molecule by molecule: those of the first, then of the second, and so on.

    Args:
        parts: Tokens [n, w] and how many each molecule has [g], of every reader.

    Returns:
        All tokens [n, w], and how many each molecule has [g].
    """
    owners = [torch.repeat_interleave(torch.arange(len(c), device=c.device), c) for _, c in parts]
    order = torch.argsort(torch.cat(owners), stable=True)
    return torch.cat([tokens for tokens, _ in parts])[order], torch.stack([counts for _, counts in parts]).sum(0)
