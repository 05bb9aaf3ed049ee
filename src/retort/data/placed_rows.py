"""Molecules with the template that made them and the atoms where it applies: what a placer is trained on.

Needs numpy alone, so that rows prepared elsewhere are read where RDKit is absent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retort.chem.molecular_graph import GraphTable, MolecularGraph
from retort.errors import DataError

_SITES = "sites.npz"


@dataclass(frozen=True, slots=True, eq=False)
class PlacedRows:
    """Rows end to end.

    Attributes:
        graphs: One molecule per row.
        templates: Template of each row; int64 [rows].
        atoms: Atoms that the template names, of all rows; int64 [n].
        starts: Row ``i`` owns ``atoms[starts[i]:starts[i + 1]]``; int64 [rows + 1].
    """

    graphs: GraphTable
    templates: NDArray[np.int64]
    atoms: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def build(
        cls, graphs: Sequence[MolecularGraph], templates: Sequence[int], sites: Sequence[frozenset[int]]
    ) -> "PlacedRows":
        """Lay rows end to end.

        Raises:
            DataError: A row has no site.
        """
        if not all(sites):
            raise DataError("a row has a template, and no atom where it applies.")
        atoms = [atom for site in sites for atom in sorted(site)]
        starts = np.cumsum([0, *map(len, sites)])
        return cls(GraphTable.build(graphs), np.array(templates, np.int64), np.array(atoms, np.int64), starts)

    def __len__(self) -> int:
        return len(self.templates)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of atoms of each molecule, [rows]."""
        return np.diff(self.graphs.atom_starts)

    def sites(self, rows: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
        """Return which of the first ``most`` atoms each row's template names, [rows, most]."""
        found = np.zeros((len(rows), most), bool)
        for place, row in enumerate(rows.tolist()):
            found[place, self.atoms[self.starts[row] : self.starts[row + 1]]] = True
        return found

    def save(self, folder: Path) -> None:
        """Write the rows into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.graphs.save(folder)
        np.savez(folder / _SITES, templates=self.templates, atoms=self.atoms, starts=self.starts)

    @classmethod
    def load(cls, folder: Path) -> "PlacedRows":
        """Read what :meth:`save` wrote; raises DataError where it is missing or damaged."""
        graphs = GraphTable.load(folder)
        try:
            with np.load(folder / _SITES, allow_pickle=False) as arrays:
                rows = cls(graphs, arrays["templates"], arrays["atoms"], arrays["starts"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(f"cannot read {str(folder / _SITES)!r}: {error}.", "Make the rows again.") from error
        if not len(rows.templates) == len(rows.graphs) == len(rows.starts) - 1:
            raise DataError(f"the arrays in {str(folder)!r} do not fit each other.", "Make the rows again.")
        return rows
