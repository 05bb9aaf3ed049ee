"""Molecules as graphs: small immutable arrays, and a compact table of many of them.

Needs numpy alone, so that prepared graphs are read where RDKit is absent; :mod:`retort.chem.graphs` makes them.

Legend: ``a`` atoms, ``m`` bonds, ``e = 2 m`` directed edges.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError

# The order and sizes of OGB 1.2, with which MoleculeSTM was trained; the last value of most columns is "anything else".
ATOM_COLUMNS: Mapping[str, int] = {
    "element": 119,  # atomic number - 1; 118 where it is 0
    "chirality": 4,  # none, clockwise, counter-clockwise, other
    "degree": 12,
    "charge": 12,  # -5 .. 5
    "hydrogens": 10,
    "radicals": 6,
    "hybridization": 6,  # SP, SP2, SP3, SP3D, SP3D2
    "aromatic": 2,
    "ring": 2,
}
BOND_COLUMNS: Mapping[str, int] = {
    "type": 5,  # single, double, triple, aromatic
    "direction": 3,  # none, up-right, down-right
    "stereo": 6,  # none, Z, E, cis, trans, any
    "conjugated": 2,
}
MOST_ATOMS = 2**16 - 1


@dataclass(frozen=True, slots=True, eq=False)
class MolecularGraph:
    """One molecule, or several components as one graph; hydrogens are implicit.

    Attributes:
        atoms: Columns of ``ATOM_COLUMNS``; uint8 [a, 9].
        ends: The two atoms of each bond; uint16 [m, 2].
        bonds: Columns of ``BOND_COLUMNS``; uint8 [m, 4].
        positions: A conformer in angstroms, float32 [a, 3]; None where there is none.
    """

    atoms: NDArray[np.uint8]
    ends: NDArray[np.uint16]
    bonds: NDArray[np.uint8]
    positions: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self.atoms)
        fits = (
            self.atoms.shape == (count, len(ATOM_COLUMNS))
            and self.ends.shape == (len(self.bonds), 2)
            and self.bonds.shape[1:] == (len(BOND_COLUMNS),)
            and (not self.ends.size or int(self.ends.max()) < count)
            and (self.positions is None or self.positions.shape == (count, 3))
        )
        if not count or not fits:
            raise DataError(f"arrays of {count} atoms and {len(self.bonds)} bonds do not make a molecular graph.")
        for array in self._arrays():
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.atoms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MolecularGraph) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def edges(self) -> NDArray[np.int64]:
        """Both directions of each bond, one after the other; row 0 sends, row 1 receives; int64 [2, e]."""
        forward = self.ends.astype(np.int64)
        return np.stack([forward, forward[:, ::-1]], axis=1).reshape(-1, 2).T

    @property
    def edge_features(self) -> NDArray[np.uint8]:
        """The columns of each directed edge: those of its bond; uint8 [e, 4]."""
        return np.repeat(self.bonds, 2, axis=0)

    def _arrays(self) -> list[NDArray[Any]]:
        arrays = (self.atoms, self.ends, self.bonds, self.positions)
        return [array for array in arrays if array is not None]

    def _key(self) -> tuple[bytes, ...]:
        return tuple(array.tobytes() for array in self._arrays())


@dataclass(frozen=True, slots=True, eq=False)
class GraphTable:
    """Many graphs end to end; graph ``i`` owns ``atom_starts[i]:atom_starts[i + 1]`` and likewise of the bonds.

    A drug-like molecule takes about 500 bytes. Memory-mapped when loaded.

    Attributes:
        atoms, ends, bonds, positions: As in :class:`MolecularGraph`, end to end; NaN where a graph has no conformer.
        atom_starts, bond_starts: int64 [graphs + 1].
    """

    atoms: NDArray[np.uint8]
    ends: NDArray[np.uint16]
    bonds: NDArray[np.uint8]
    positions: NDArray[np.float32]
    atom_starts: NDArray[np.int64]
    bond_starts: NDArray[np.int64]

    @classmethod
    def build(cls, graphs: Iterable[MolecularGraph]) -> "GraphTable":
        """Lay graphs end to end; the table keeps no positions where no graph has any."""
        kept = list(graphs)
        known = any(graph.positions is not None for graph in kept)
        return cls(
            _stacked([g.atoms for g in kept], len(ATOM_COLUMNS), np.uint8),
            _stacked([g.ends for g in kept], 2, np.uint16),
            _stacked([g.bonds for g in kept], len(BOND_COLUMNS), np.uint8),
            _stacked([_positions(g) for g in kept] if known else [], 3, np.float32),
            _starts(len(g.atoms) for g in kept),
            _starts(len(g.bonds) for g in kept),
        )

    def __len__(self) -> int:
        return len(self.atom_starts) - 1

    def __getitem__(self, index: int) -> MolecularGraph:
        if not 0 <= index < len(self):
            raise IndexError(index)
        atoms = slice(*self.atom_starts[index : index + 2])
        bonds = slice(*self.bond_starts[index : index + 2])
        positions = np.array(self.positions[atoms]) if len(self.positions) else np.full(1, np.nan, np.float32)
        return MolecularGraph(
            np.array(self.atoms[atoms]),
            np.array(self.ends[bonds]),
            np.array(self.bonds[bonds]),
            None if np.isnan(positions).any() else positions,
        )

    def __iter__(self) -> Iterator[MolecularGraph]:
        return (self[index] for index in range(len(self)))

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` file per array into an existing folder."""
        for field in fields(self):
            np.save(_file(folder, field.name), getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> "GraphTable":
        """Map the arrays of a folder into memory.

        Raises:
            DataError: A file is missing or damaged, or they do not fit together.
        """
        try:
            table = cls(**{field.name: np.load(_file(folder, field.name), mmap_mode="r") for field in fields(cls)})
        except (OSError, ValueError) as error:
            raise DataError(f"the graphs of {str(folder)!r} cannot be read: {error}.") from error
        lengths = (len(table.atoms), len(table.ends), len(table.bonds))
        expected = (table.atom_starts[-1], table.bond_starts[-1], table.bond_starts[-1])
        if lengths != expected or len(table.positions) not in (0, lengths[0]):
            raise DataError(f"the graphs of {str(folder)!r} do not fit together.", "Prepare them again.")
        return table


def _file(folder: Path, name: str) -> Path:
    return folder / f"graphs.{name}.npy"


def _positions(graph: MolecularGraph) -> NDArray[np.float32]:
    return np.full((len(graph), 3), np.nan, np.float32) if graph.positions is None else graph.positions


def _stacked(arrays: list[NDArray[Any]], width: int, dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.empty((0, width), dtype), *arrays])


def _starts(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)
