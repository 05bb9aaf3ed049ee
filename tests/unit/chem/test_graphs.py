"""Graphs of molecules: columns, directions, single atoms, and the compact table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from retort.chem.conformers import graph_with_conformer
from retort.chem.graphs import molecular_graph
from retort.chem.molecular_graph import ATOM_COLUMNS, BOND_COLUMNS, GraphTable, MolecularGraph
from retort.errors import ChemistryError, DataError

MOLECULES = ["CCO", "[Na+]", "C/C=C\\Cl", "N[C@@H](C)C(=O)O", "c1ccccc1C#N", "[Cl-].[NH4+]", "*C"]


def column(graph: MolecularGraph, name: str) -> list[int]:
    return graph.atoms[:, list(ATOM_COLUMNS).index(name)].tolist()


def bond_column(graph: MolecularGraph, name: str) -> list[int]:
    return graph.bonds[:, list(BOND_COLUMNS).index(name)].tolist()


def test_ethanol_has_the_columns_of_its_atoms() -> None:
    graph = molecular_graph("OCC")  # canonical: CCO
    assert column(graph, "element") == [5, 5, 7]  # atomic number - 1
    assert column(graph, "degree") == [4, 4, 2]
    assert column(graph, "charge") == [5, 5, 5]  # 0 stands sixth in -5 .. 5
    assert column(graph, "hydrogens") == [3, 2, 1]
    assert column(graph, "hybridization") == [2, 2, 2]
    assert graph.edges.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.edge_features.shape == (4, len(BOND_COLUMNS))


def test_a_single_ion_has_no_edges() -> None:
    graph = molecular_graph("[Na+]")
    assert (column(graph, "element"), column(graph, "charge")) == ([10], [6])
    assert graph.edges.shape == (2, 0)
    assert graph.edge_features.shape == (0, len(BOND_COLUMNS))


def test_bond_types_and_directions() -> None:
    assert sorted(bond_column(molecular_graph("C#CC=CC"), "type")) == [0, 0, 1, 2]
    assert bond_column(molecular_graph("c1ccccc1"), "type") == [3] * 6
    assert bond_column(molecular_graph("c1ccccc1"), "conjugated") == [1] * 6
    assert bond_column(molecular_graph("N->[Cu]"), "type") == [4]  # a dative bond is none of the four
    drawn = molecular_graph("C/C=C/C")
    assert [d for d in bond_column(drawn, "direction") if d] != []
    assert sorted(bond_column(drawn, "stereo")) == [0, 0, 2]  # E
    assert sorted(bond_column(molecular_graph("C/C=C\\C"), "stereo")) == [0, 0, 1]  # Z


def test_mirror_images_differ_in_one_tag() -> None:
    left, right = molecular_graph("N[C@@H](C)C(=O)O"), molecular_graph("N[C@H](C)C(=O)O")
    assert left != right
    assert sorted(column(left, "chirality") + column(right, "chirality"))[-2:] == [1, 2]
    assert np.array_equal(np.delete(left.atoms, 1, axis=1), np.delete(right.atoms, 1, axis=1))


def test_a_wildcard_is_the_last_element() -> None:
    assert 118 in column(molecular_graph("*C"), "element")


@pytest.mark.parametrize("spelling", ["C(C)O", "OCC", "[CH3:7][CH2:2][OH:1]"])
def test_every_spelling_of_a_molecule_gives_one_graph(spelling: str) -> None:
    assert molecular_graph(spelling) == molecular_graph("CCO")
    assert hash(molecular_graph(spelling)) == hash(molecular_graph("CCO"))


def test_chirality_is_that_of_the_canonical_order() -> None:
    """RDKit's tags depend on the order of neighbours: two spellings read as they stand would differ."""
    one, same = "N[C@@H](C)C(=O)O", "OC(=O)[C@H](C)N"
    tags = [sorted(atom.GetChiralTag().name for atom in Chem.MolFromSmiles(s).GetAtoms()) for s in (one, same)]
    assert tags[0] != tags[1]
    assert molecular_graph(one) == molecular_graph(same)


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ChemistryError, match="C1CC"):
        molecular_graph("C1CC")


def test_arrays_cannot_be_changed_and_must_fit() -> None:
    graph = molecular_graph("CCO")
    with pytest.raises(ValueError, match="read-only"):
        graph.atoms[0, 0] = 1
    with pytest.raises(DataError, match="3 atoms"):
        replace(graph, ends=np.array([[0, 1], [1, 3]], np.uint16))
    with pytest.raises(DataError, match="0 atoms"):
        MolecularGraph(graph.atoms[:0], graph.ends[:0], graph.bonds[:0])


def test_a_table_gives_back_what_it_was_built_of(tmp_path: Path) -> None:
    graphs = [molecular_graph(smiles) for smiles in MOLECULES]
    GraphTable.build(graphs).save(tmp_path)
    table = GraphTable.load(tmp_path)
    assert len(table) == len(MOLECULES)
    assert list(table) == graphs
    with pytest.raises(IndexError):
        table[len(MOLECULES)]


def test_a_table_keeps_conformers_where_there_are_any(tmp_path: Path) -> None:
    graphs = [graph_with_conformer("CCO", seed=1), molecular_graph("CCO")]
    assert graphs[0].positions is not None
    GraphTable.build(graphs).save(tmp_path)
    assert list(GraphTable.load(tmp_path)) == graphs


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    GraphTable.build([molecular_graph("CCO")]).save(tmp_path)
    np.save(tmp_path / "graphs.ends.npy", np.zeros((1, 2), np.uint16))
    with pytest.raises(DataError, match="do not fit"):
        GraphTable.load(tmp_path)
    (tmp_path / "graphs.ends.npy").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        GraphTable.load(tmp_path)


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    GraphTable.build([]).save(tmp_path)
    assert list(GraphTable.load(tmp_path)) == []


def test_a_conformer_has_the_lengths_of_bonds() -> None:
    graph = graph_with_conformer("CCO", seed=3)
    assert graph == graph_with_conformer("OCC", seed=3)
    assert graph.positions is not None
    lengths = [float(np.linalg.norm(graph.positions[i] - graph.positions[j])) for i, j in graph.ends.tolist()]
    assert lengths == pytest.approx([1.52, 1.41], abs=0.05)  # C-C and C-O, angstroms


def test_where_no_conformer_is_found_the_graph_stands_alone() -> None:
    impossible = "[C@@H]12CC[C@H](C1)C2"  # a bridge from one face of a small ring to the other
    assert graph_with_conformer(impossible, attempts=2) == molecular_graph(impossible)
