"""A second view of a molecule: its shape, by messages that depend on the distances between its atoms.

Continuous-filter convolutions (SchNet, Schütt et al., NeurIPS 2017, arXiv:1706.08566): distances are expanded in
Gaussian radial basis functions. Distances alone are read, so that rotations, translations and mirror images do not
matter.

Legend: ``g`` graphs, ``m`` atoms of the largest, ``a`` atoms of all graphs, ``k`` basis functions, ``d`` width.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.chem.molecular_graph import ATOM_COLUMNS
from retort.config import option
from retort.errors import ConfigError
from retort.models.graph_batch import GraphBatch
from retort.models.projector import padded


@dataclass(frozen=True, slots=True)
class ConformerEncoderConfig:
    """The card of a conformer encoder."""

    layers: int = option(3, help="Rounds of messages.")
    width: int = option(128, help="Width of the atoms' states.")
    basis: int = option(32, help="Radial basis functions.")
    cutoff: float = option(8.0, help="Distance in angstroms beyond which atoms do not hear one another.")

    def __post_init__(self) -> None:
        if self.layers < 1 or self.width < 1 or self.basis < 2 or self.cutoff <= 0:
            raise ConfigError("a conformer encoder needs layers, a width, two basis functions and a positive cutoff.")


class ConformerEncoder(nn.Module):
    """Elements and positions -> one vector per atom; a molecule without conformer is known by its elements alone."""

    def __init__(self, config: ConformerEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.elements = nn.Embedding(ATOM_COLUMNS["element"], config.width)
        self.unknown = nn.Parameter(torch.zeros(config.width))
        self.rounds = nn.ModuleList(_Round(config) for _ in range(config.layers))

    def forward(self, batch: GraphBatch) -> Tensor:
        """Return the states of all atoms; [a, d]."""
        without = batch.positions.isnan().any(1)
        states: Tensor = self.elements(batch.atoms[:, 0]) + without[:, None] * self.unknown
        if not len(batch):
            return states
        positions, present = padded(batch.positions.nan_to_num(0.0), batch)
        located, _ = padded((~without)[:, None].to(states.dtype), batch)
        near, basis = self._neighbours(positions, located[..., 0] > 0)
        rows, _ = padded(states, batch)
        for turn in self.rounds:
            rows = turn(rows, near, basis)
        return rows[present]

    def _neighbours(self, positions: Tensor, located: Tensor) -> tuple[Tensor, Tensor]:
        """Return a weight of every pair that falls to 0 at the cutoff [g, m, m], and its basis functions [.., k]."""
        cutoff, basis = self.config.cutoff, self.config.basis
        distances = (positions[:, :, None] - positions[:, None]).square().sum(-1).clamp(min=1e-12).sqrt()
        apart = ~torch.eye(positions.shape[1], dtype=torch.bool, device=positions.device)
        pairs = located[:, :, None] & located[:, None] & apart & (distances < cutoff)
        near = pairs * 0.5 * (torch.cos(distances.clamp(max=cutoff) * (math.pi / cutoff)) + 1)
        centres = torch.linspace(0.0, cutoff, basis, device=positions.device)
        return near, torch.exp(-0.5 * ((distances[..., None] - centres) * (basis - 1) / cutoff).square())


class _Round(nn.Module):
    """One continuous-filter convolution with a residual connection."""

    def __init__(self, config: ConformerEncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.filters = nn.Sequential(nn.Linear(config.basis, width), nn.SiLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)
        self.send = nn.Linear(width, width, bias=False)
        self.receive = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, rows: Tensor, near: Tensor, basis: Tensor) -> Tensor:
        """Return new states [g, m, d] of states, weights of pairs [g, m, m] and their basis functions [g, m, m, k]."""
        weights = self.filters(basis) * near[..., None]
        heard = torch.einsum("gijd,gjd->gid", weights, self.send(self.norm(rows)))
        return rows + functional.silu(self.receive(heard))
