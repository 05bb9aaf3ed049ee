"""Conformers of molecules by RDKit's ETKDG (Riniker and Landrum, J. Chem. Inf. Model. 2015, 55, 2562)."""

from dataclasses import replace

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from retort.chem.graphs import graph_of
from retort.chem.molecular_graph import MolecularGraph
from retort.chem.smiles import canonicalize, parse


def graph_with_conformer(smiles: str, *, seed: int = 0, attempts: int = 20) -> MolecularGraph:
    """Return the graph of one molecule with the positions of one conformer; without them where none is found.

    Hydrogens are added to embed the molecule, relaxed by MMFF where it knows all atoms, and left out again.

    Args:
        smiles: One molecule.
        seed: Of the embedding; the same seed gives the same conformer.
        attempts: Embeddings tried before the positions are left out.

    Raises:
        ChemistryError: The text cannot be read.
    """
    mol = parse(canonicalize(smiles))
    graph = graph_of(mol)
    full = Chem.AddHs(mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]
    parameters.maxIterations = attempts  # type: ignore[assignment]
    if rdDistGeom.EmbedMolecule(full, parameters) < 0:
        return graph
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(full):
        rdForceFieldHelpers.MMFFOptimizeMolecule(full)
    positions = np.asarray(full.GetConformer().GetPositions(), np.float32)
    return replace(graph, positions=np.ascontiguousarray(positions[: len(graph)]))
