"""Layers of the two published families of graph isomorphism networks (GIN, Xu et al., ICLR 2019, arXiv:1810.00826).

Names of modules are those of the published weights, which therefore load as they are.

Legend: ``a`` atoms, ``e`` directed edges, ``d`` width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SELF_LOOP = 4  # the bond type by which pretrain-gnns lets an atom hear itself


class AtomNorm(nn.BatchNorm1d):
    """Batch normalisation that also takes a single atom, or none, in training: by its running statistics."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` [a, d], normalised."""
        if self.training and len(x) < 2:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class AtomEncoder(nn.Module):
    """One table per atom column; the tables of the columns that are given are summed."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.atom_embedding_list = tables(sizes, width)

    def forward(self, columns: Tensor) -> Tensor:
        """Return embeddings [a, d] of columns [a, c]; tables beyond ``c`` are left alone."""
        return summed(self.atom_embedding_list, columns)


class BondEncoder(nn.Module):
    """One table per bond column; the tables of the columns that are given are summed."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.bond_embedding_list = tables(sizes, width)

    def forward(self, columns: Tensor) -> Tensor:
        """Return embeddings [e, d] of columns [e, c]; tables beyond ``c`` are left alone."""
        return summed(self.bond_embedding_list, columns)


class MoleculeStmLayer(nn.Module):
    """``MLP((1 + eps) h_i + sum_j relu(h_j + bond_ij))``, the layer of MoleculeSTM and of OGB's GIN."""

    def __init__(self, bond_sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), AtomNorm(2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        self.eps = nn.Parameter(torch.zeros(1))
        self.bond_encoder = BondEncoder(bond_sizes, width)

    def forward(self, x: Tensor, edges: Tensor, bonds: Tensor, known: Tensor | None = None) -> Tensor:
        """Return new states [a, d].

        Args:
            x: States of atoms; [a, d].
            edges: Senders and receivers; [2, e].
            bonds: Columns of each edge; [e, c].
            known: 0 where the bond is hidden: its embedding counts as zero; [e].
        """
        messages = functional.relu(x[edges[0]] + _hidden(self.bond_encoder(bonds), known))
        heard = torch.zeros_like(x).index_add(0, edges[1], messages)
        states: Tensor = self.mlp((1 + self.eps) * x + heard)
        return states


class PretrainGnnsLayer(nn.Module):
    """``MLP(sum over j and i itself of (h_j + bond_ij))``, the layer of "pretrain-gnns" (arXiv:1905.12265)."""

    def __init__(self, type_size: int, direction_size: int, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.edge_embedding1, self.edge_embedding2 = table(type_size, width), table(direction_size, width)

    def forward(self, x: Tensor, edges: Tensor, bonds: Tensor, known: Tensor | None = None) -> Tensor:
        """Return new states [a, d]; arguments as for :class:`MoleculeStmLayer`."""
        embedded = _hidden(self.edge_embedding1(bonds[:, 0]) + self.edge_embedding2(bonds[:, 1]), known)
        itself = self.edge_embedding1.weight[SELF_LOOP] + self.edge_embedding2.weight[0]
        states: Tensor = self.mlp((x + itself).index_add(0, edges[1], x[edges[0]] + embedded))
        return states


def table(size: int, width: int) -> nn.Embedding:
    """Return an embedding table, drawn as OGB draws it (Glorot and Bengio 2010, uniform)."""
    made = nn.Embedding(size, width)
    nn.init.xavier_uniform_(made.weight)
    return made


def tables(sizes: Sequence[int], width: int) -> nn.ModuleList:
    """Return one embedding table per size."""
    return nn.ModuleList(table(size, width) for size in sizes)


def summed(embeddings: nn.ModuleList, columns: Tensor) -> Tensor:
    """Return the sum [n, d] of the embeddings of columns [n, c], by the first ``c`` tables."""
    places = range(columns.shape[1])
    vectors = [embedding(columns[:, place]) for place, embedding in zip(places, embeddings, strict=False)]
    return torch.stack(vectors).sum(0)


def _hidden(embedded: Tensor, known: Tensor | None) -> Tensor:
    return embedded if known is None else embedded * known[:, None]
