"""The placer's network while it is trained, in torch; :mod:`retort.models.placer` runs its weights without torch.

Legend: ``b`` molecules, ``a`` atoms of the largest, ``d`` width, ``h`` heads, ``t`` templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.chem.molecular_graph import MolecularGraph
from retort.models.placer import ATOM_VALUES, BOND_KINDS, FARTHEST, OFFSETS, PlacerSize, neighbours, spread
from retort.models.ranker import Floats


@dataclass(frozen=True, slots=True)
class PaddedGraphs:
    """Molecules of a batch, padded to the largest.

    Attributes:
        atoms: Rows of the table of atom values; int64 [b, a, 9].
        present: Which atoms there are; bool [b, a].
        apart: How many bonds apart atoms are; int64 [b, a, a].
        bonded: Who is bonded to whom by each kind of bond; float32 [b, kinds, a, a].
    """

    atoms: Tensor
    present: Tensor
    apart: Tensor
    bonded: Tensor

    @classmethod
    def collate(cls, graphs: Sequence[MolecularGraph]) -> "PaddedGraphs":
        """Pad graphs to the largest of them."""
        most, count = max(map(len, graphs)), len(graphs)
        atoms = np.zeros((count, most, len(OFFSETS)), np.int64)
        present = np.zeros((count, most), bool)
        bonded = np.zeros((count, BOND_KINDS, most, most), np.float32)
        for i, graph in enumerate(graphs):
            n = len(graph)
            atoms[i, :n] = graph.atoms + OFFSETS
            present[i, :n] = True
            bonded[i, :, :n, :n] = neighbours(graph)
        apart = spread(bonded.max(axis=1) > 0)
        return cls(*map(torch.from_numpy, (atoms, present, apart, bonded)))

    def to(self, device: torch.device) -> "PaddedGraphs":
        """Return the batch on a device."""
        return PaddedGraphs(*(tensor.to(device) for tensor in (self.atoms, self.present, self.apart, self.bonded)))


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.float(), x.shape[-1:], self.gain, self.bias)


class _Layer(nn.Module):
    def __init__(self, size: PlacerSize, dropout: float) -> None:
        super().__init__()
        width = size.width
        self.heads = size.heads
        self.norm, self.norm2 = _Norm(width), _Norm(width)
        self.attend = _matrix(width, 3 * width)
        self.attended = _matrix(width, width)
        self.near = _matrix(width, width)
        self.kinds = nn.Parameter(torch.ones(BOND_KINDS, width))
        self.up, self.down = _matrix(width, size.inner), _matrix(size.inner, width)
        self.apart = nn.Parameter(torch.zeros(FARTHEST + 1, size.heads))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, graphs: PaddedGraphs, absent: Tensor) -> Tensor:
        b, a, d = x.shape
        y = self.norm(x)
        q, k, v = (y @ self.attend).view(b, a, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # each [b, h, a, d / h]
        bias = self.apart[graphs.apart].permute(0, 3, 1, 2) + absent  # [b, h, a, a]
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        near = (graphs.bonded @ ((y @ self.near)[:, None] * self.kinds[:, None])).sum(dim=1)
        x = x + attended.transpose(1, 2).reshape(b, a, d) @ self.attended + near
        changed: Tensor = x + self.dropout(torch.relu(self.norm2(x) @ self.up) @ self.down)
        return changed


class PlacerNetwork(nn.Module):
    """Molecules -> logits of every atom and template.

    Args:
        templates: Their number.
        size: Shape of the network.
        dropout: Share of what each layer changes last dropped while training, 0..1.
    """

    def __init__(self, templates: int, size: PlacerSize, dropout: float) -> None:
        super().__init__()
        self.atoms = nn.Parameter(torch.randn(ATOM_VALUES, size.width) / 3)  # nine values are added up
        self.layers = nn.ModuleList(_Layer(size, dropout) for _ in range(size.layers))
        self.norm = _Norm(size.width)
        self.templates = _matrix(size.width, templates)
        self.templates_bias = nn.Parameter(torch.zeros(templates))

    def forward(self, graphs: PaddedGraphs) -> Tensor:
        """Return log p(atom, template | molecule), [b, a, t], float32; minus infinity where there is no atom."""
        x = self.atoms[graphs.atoms].sum(dim=2)
        absent = torch.zeros(graphs.present.shape, device=x.device).masked_fill(~graphs.present, -torch.inf)
        for layer in self.layers:
            x = layer(x, graphs, absent[:, None, None])
        logits = (self.norm(x) @ self.templates).float() + self.templates_bias + absent[:, :, None]
        return functional.log_softmax(logits.flatten(1), dim=1).view_as(logits)

    @torch.no_grad()
    def export(self) -> dict[str, Floats]:
        """Return the weights that :class:`retort.models.placer.Placer` takes."""
        return {name: values.detach().float().cpu().numpy().copy() for name, values in self.named_parameters()}


def _matrix(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(rows, columns) / rows**0.5)


def placing_loss(log_probabilities: Tensor, templates: Tensor, sites: Tensor) -> Tensor:
    """Return the mean over molecules of minus the mean log-probability of the true template at its true atoms.

    Args:
        log_probabilities: [b, a, t].
        templates: True template of each molecule; int64 [b].
        sites: Its atoms; bool [b, a], at least one each.
    """
    own = log_probabilities.gather(2, templates[:, None, None].expand(-1, log_probabilities.shape[1], 1))[..., 0]
    return -(own.masked_fill(~sites, 0).sum(dim=1) / sites.sum(dim=1)).mean()
