"""All molecules of a batch as one large graph without edges between molecules.

Legend: ``g`` graphs, ``a`` atoms of all graphs, ``e`` directed edges of all graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from retort.chem.molecular_graph import ATOM_COLUMNS, BOND_COLUMNS, MolecularGraph


@dataclass(frozen=True, slots=True)
class GraphBatch:
    """Graphs end to end; there may be none.

    Attributes:
        atoms: Columns of ``ATOM_COLUMNS``; int64 [a, 9].
        edges: Sender and receiver of each directed edge; int64 [2, e].
        bonds: Columns of ``BOND_COLUMNS``; int64 [e, 4].
        owners: Graph of each atom, rising; int64 [a].
        sizes: Atoms of each graph; int64 [g].
        positions: Conformers in angstroms, NaN where a graph has none; float32 [a, 3].
    """

    atoms: Tensor
    edges: Tensor
    bonds: Tensor
    owners: Tensor
    sizes: Tensor
    positions: Tensor

    @classmethod
    def collate(cls, graphs: Sequence[MolecularGraph]) -> "GraphBatch":
        """Lay graphs end to end."""
        sizes = np.array([len(graph) for graph in graphs], np.int64)
        starts = np.cumsum(sizes) - sizes
        edges = [graph.edges + start for graph, start in zip(graphs, starts, strict=True)]
        positions = [
            np.full((len(graph), 3), np.nan, np.float32) if graph.positions is None else graph.positions
            for graph in graphs
        ]
        return cls(
            torch.from_numpy(np.concatenate([np.empty((0, len(ATOM_COLUMNS)), np.int64), *(g.atoms for g in graphs)])),
            torch.from_numpy(np.concatenate([np.empty((2, 0), np.int64), *edges], axis=1)),
            torch.from_numpy(
                np.concatenate([np.empty((0, len(BOND_COLUMNS)), np.int64), *(g.edge_features for g in graphs)])
            ),
            torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
            torch.from_numpy(sizes),
            torch.from_numpy(np.concatenate([np.empty((0, 3), np.float32), *positions])),
        )

    def __len__(self) -> int:
        return len(self.sizes)

    def to(self, device: torch.device) -> "GraphBatch":
        """Return the batch on a device."""
        return GraphBatch(*(getattr(self, field.name).to(device) for field in fields(self)))
