"""Molecules as graphs for neural networks, by RDKit.

Atoms and bonds have the columns of the Open Graph Benchmark (Hu et al., NeurIPS 2020, arXiv:2005.00687), with which the
graph encoder of MoleculeSTM (Liu et al., Nat. Mach. Intell. 2023, 5, 1447) was trained, and the bond's direction, which
PRESTO and "pretrain-gnns" (Hu et al., ICLR 2020, arXiv:1905.12265) read instead of its stereo column.

Tags of chirality and directions of bonds depend on the order of the atoms. The canonical spelling fixes that order, so
that one molecule has one graph and no order of a mapped source reaches a model.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem.rdchem import BondDir, BondStereo, BondType, ChiralType, HybridizationType

from retort.chem.molecular_graph import ATOM_COLUMNS, BOND_COLUMNS, MOST_ATOMS, MolecularGraph
from retort.chem.smiles import canonicalize, parse
from retort.errors import ChemistryError

_CHIRALITY = (ChiralType.CHI_UNSPECIFIED, ChiralType.CHI_TETRAHEDRAL_CW, ChiralType.CHI_TETRAHEDRAL_CCW)
_HYBRIDIZATION = (
    HybridizationType.SP,
    HybridizationType.SP2,
    HybridizationType.SP3,
    HybridizationType.SP3D,
    HybridizationType.SP3D2,
)
_TYPES = (BondType.SINGLE, BondType.DOUBLE, BondType.TRIPLE, BondType.AROMATIC)
_DIRECTIONS = (BondDir.NONE, BondDir.ENDUPRIGHT, BondDir.ENDDOWNRIGHT)
_STEREO = (
    BondStereo.STEREONONE,
    BondStereo.STEREOZ,
    BondStereo.STEREOE,
    BondStereo.STEREOCIS,
    BondStereo.STEREOTRANS,
    BondStereo.STEREOANY,
)


def molecular_graph(smiles: str) -> MolecularGraph:
    """Return the graph of one or more components, with atoms in the order of the canonical spelling.

    Single atoms and ions have no bonds.

    Raises:
        ChemistryError: The text cannot be read, or has too many atoms.
    """
    return _graph(canonicalize(smiles))


@lru_cache(maxsize=65_536)
def _graph(canonical: str) -> MolecularGraph:
    return graph_of(parse(canonical))


def graph_of(mol: Chem.Mol) -> MolecularGraph:
    """Return the graph of an RDKit molecule in the order of its atoms, without positions."""
    if mol.GetNumAtoms() > MOST_ATOMS:
        raise ChemistryError(f"a molecule of {mol.GetNumAtoms()} atoms is too large for a graph.")
    bonds = list(mol.GetBonds())
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    return MolecularGraph(
        np.array([_columns(_ATOM, atom) for atom in mol.GetAtoms()], np.uint8),
        np.array(ends, np.uint16).reshape(-1, 2),
        np.array([_columns(_BOND, bond) for bond in bonds], np.uint8).reshape(-1, len(BOND_COLUMNS)),
    )


Reader = Callable[[Any], int]


def _columns(readers: Sequence[Reader], item: Any) -> list[int]:
    return [read(item) for read in readers]


def _place(value: object, among: Sequence[object], otherwise: int) -> int:
    return among.index(value) if value in among else otherwise


def _limited(value: int, least: int, size: int) -> int:
    """Return ``value - least``; the last of ``size`` columns for all that lies outside."""
    return value - least if 0 <= value - least < size - 1 else size - 1


def _bond_type(bond: Chem.Bond) -> int:
    """Return the column of a bond's type; an unspecified one counts as single, as PRESTO has it."""
    kind = bond.GetBondType()
    return 0 if kind == BondType.UNSPECIFIED else _place(kind, _TYPES, len(_TYPES))


_ATOM: tuple[Reader, ...] = (
    lambda atom: _limited(atom.GetAtomicNum(), 1, ATOM_COLUMNS["element"]),
    lambda atom: _place(atom.GetChiralTag(), _CHIRALITY, len(_CHIRALITY)),
    lambda atom: _limited(atom.GetTotalDegree(), 0, ATOM_COLUMNS["degree"]),
    lambda atom: _limited(atom.GetFormalCharge(), -5, ATOM_COLUMNS["charge"]),
    lambda atom: _limited(atom.GetTotalNumHs(), 0, ATOM_COLUMNS["hydrogens"]),
    lambda atom: _limited(atom.GetNumRadicalElectrons(), 0, ATOM_COLUMNS["radicals"]),
    lambda atom: _place(atom.GetHybridization(), _HYBRIDIZATION, len(_HYBRIDIZATION)),
    lambda atom: int(atom.GetIsAromatic()),
    lambda atom: int(atom.IsInRing()),
)
_BOND: tuple[Reader, ...] = (
    _bond_type,
    lambda bond: _place(bond.GetBondDir(), _DIRECTIONS, 0),
    lambda bond: _place(bond.GetStereo(), _STEREO, 0),
    lambda bond: int(bond.GetIsConjugated()),
)
