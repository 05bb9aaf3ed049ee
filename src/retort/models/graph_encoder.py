"""The graph encoder: a graph isomorphism network over all molecules of a batch at once.

Two published families, each with the names of its weights:

``moleculestm``
    MoleculeSTM (Liu et al., Nat. Mach. Intell. 2023, 5, 1447), the encoder of PRESTO: 5 layers of width 300. Trained on
    all columns of OGB (``features = "full"``); PRESTO gives it element and chirality, bond type and - through the table
    of the stereo column - bond direction (``features = "published"``).
``pretrain_gnns``
    Hu et al., ICLR 2020, arXiv:1905.12265; element and chirality, bond type and direction.

Legend: ``a`` atoms, ``e`` directed edges, ``d`` width.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.chem.molecular_graph import ATOM_COLUMNS, BOND_COLUMNS
from retort.config import option
from retort.errors import ConfigError
from retort.models.graph_batch import GraphBatch
from retort.models.graph_layers import AtomEncoder, AtomNorm, MoleculeStmLayer, PretrainGnnsLayer, table

Family = Literal["moleculestm", "pretrain_gnns"]
Features = Literal["full", "published"]
_BONDS = list(BOND_COLUMNS)
_STM_BONDS = {
    name: [_BONDS.index(column) for column in columns]
    for name, columns in {
        "full": ("type", "stereo", "conjugated"),
        "published": ("type", "direction"),
    }.items()
}
_STM_BOND_SIZES = [BOND_COLUMNS["type"], BOND_COLUMNS["stereo"], BOND_COLUMNS["conjugated"]]
# Sizes of pretrain-gnns: its last element is the mask, the last two bond types are self-loop and mask.
_GNNS_ELEMENTS, _GNNS_CHIRALITY, _GNNS_TYPES, _GNNS_DIRECTIONS = 120, 3, 6, 3


@dataclass(frozen=True, slots=True)
class GraphEncoderConfig:
    """The card of a graph encoder."""

    family: Family = option("moleculestm", help="Whose layers and names of weights: moleculestm or pretrain_gnns.")
    layers: int = option(5, help="Rounds of messages; an atom sees what is at most so many bonds away.")
    width: int = option(300, help="Width of the atoms' states.")
    dropout: float = option(0.1, help="Dropout probability after each layer while it is trained, 0..1.")
    features: Features = option(
        "full", help="Columns that moleculestm reads: full (all), or published (element, chirality, type, direction)."
    )

    def __post_init__(self) -> None:
        if self.layers < 1 or self.width < 1:
            raise ConfigError(f"a graph encoder of {self.layers} layers and width {self.width} cannot be built.")


class GraphEncoder(nn.Module):
    """Molecules -> one vector per atom.

    A frozen encoder, one none of whose parameters is trained, stays in evaluation mode.
    """

    gnns: nn.ModuleList
    batch_norms: nn.ModuleList

    def __init__(self, config: GraphEncoderConfig) -> None:
        super().__init__()
        self.config = config

    def embed(self, batch: GraphBatch) -> Tensor:
        """Return what is known of each atom by itself; [a, d]."""
        raise NotImplementedError

    def bond_columns(self, batch: GraphBatch) -> Tensor:
        """Return the bond columns that this family reads; int64 [e, c]."""
        raise NotImplementedError

    def forward(self, batch: GraphBatch) -> Tensor:
        """Return the states of all atoms after the last layer, in fp32; [a, d]."""
        return self.pass_messages(self.embed(batch), batch)

    def pass_messages(self, x: Tensor, batch: GraphBatch, known: Tensor | None = None) -> Tensor:
        """Return the states of atoms after all layers; [a, d].

        Args:
            x: States before the first layer; [a, d].
            batch: Whose edges to use.
            known: 0 at edges whose bond is hidden; [e].
        """
        bonds = self.bond_columns(batch)
        with torch.autocast(x.device.type, enabled=False):
            for number, (layer, norm) in enumerate(zip(self.gnns, self.batch_norms, strict=True), 1):
                x = norm(layer(x, batch.edges, bonds, known))
                x = functional.relu(x) if number < len(self.gnns) else x
                x = functional.dropout(x, self.config.dropout, self.training)
        return x

    def train(self, mode: bool = True) -> "GraphEncoder":
        """Enter training mode where there is something to train."""
        return super().train(mode and any(parameter.requires_grad for parameter in self.parameters()))


class MoleculeStm(GraphEncoder):
    """The graph encoder of MoleculeSTM."""

    def __init__(self, config: GraphEncoderConfig) -> None:
        super().__init__(config)
        width = config.width
        self.atom_encoder = AtomEncoder(list(ATOM_COLUMNS.values()), width)
        self.gnns = nn.ModuleList(MoleculeStmLayer(_STM_BOND_SIZES, width) for _ in range(config.layers))
        self.batch_norms = nn.ModuleList(AtomNorm(width) for _ in range(config.layers))
        self._atom_columns = 2 if config.features == "published" else len(ATOM_COLUMNS)

    def embed(self, batch: GraphBatch) -> Tensor:
        """Return the sum of the tables of the atoms' columns; [a, d]."""
        embedded: Tensor = self.atom_encoder(batch.atoms[:, : self._atom_columns])
        return embedded

    def bond_columns(self, batch: GraphBatch) -> Tensor:
        """Return type, stereo and conjugation, or type and direction; int64 [e, c]."""
        return batch.bonds[:, _STM_BONDS[self.config.features]]


class PretrainGnns(GraphEncoder):
    """The graph encoder of "pretrain-gnns"."""

    def __init__(self, config: GraphEncoderConfig) -> None:
        super().__init__(config)
        width = config.width
        self.x_embedding1, self.x_embedding2 = table(_GNNS_ELEMENTS, width), table(_GNNS_CHIRALITY, width)
        self.gnns = nn.ModuleList(PretrainGnnsLayer(_GNNS_TYPES, _GNNS_DIRECTIONS, width) for _ in range(config.layers))
        self.batch_norms = nn.ModuleList(AtomNorm(width) for _ in range(config.layers))

    def embed(self, batch: GraphBatch) -> Tensor:
        """Return element plus chirality, of which it knows no "other"; [a, d]."""
        chirality = batch.atoms[:, 1]
        known = torch.where(chirality < _GNNS_CHIRALITY, chirality, 0)
        embedded: Tensor = self.x_embedding1(batch.atoms[:, 0]) + self.x_embedding2(known)
        return embedded

    def bond_columns(self, batch: GraphBatch) -> Tensor:
        """Return type and direction; any type but the four usual ones counts as single; int64 [e, 2]."""
        usual = torch.where(batch.bonds[:, 0] < BOND_COLUMNS["type"] - 1, batch.bonds[:, 0], 0)
        return torch.stack([usual, batch.bonds[:, 1]], dim=1)


def build_graph_encoder(config: GraphEncoderConfig) -> GraphEncoder:
    """Return an encoder with fresh weights, drawn from torch's global generator."""
    return MoleculeStm(config) if config.family == "moleculestm" else PretrainGnns(config)
