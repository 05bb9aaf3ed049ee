"""The conformer encoder reads distances; the reader of molecules joins both views."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from retort.chem.conformers import graph_with_conformer
from retort.chem.graphs import molecular_graph
from retort.chem.molecular_graph import MolecularGraph
from retort.errors import ConfigError
from retort.models.conformer_encoder import ConformerEncoder, ConformerEncoderConfig
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReader, MoleculeReaderConfig, ShapeConfig
from retort.models.projector import ProjectorConfig

MOLECULES = ["CCO", "[Na+]", "N[C@@H](C)C(=O)O", "c1ccccc1C#N"]


def encoder() -> ConformerEncoder:
    torch.manual_seed(0)
    return ConformerEncoder(ConformerEncoderConfig(layers=2, width=16, basis=8)).eval()


def placed(*smiles: str) -> list[MolecularGraph]:
    graphs = [graph_with_conformer(text) for text in smiles]
    assert all(graph.positions is not None for graph in graphs)
    return graphs


@torch.no_grad()
def encoded(net: ConformerEncoder, *graphs: MolecularGraph) -> torch.Tensor:
    return net(GraphBatch.collate(graphs))


def test_a_batch_is_encoded_as_its_molecules_one_by_one() -> None:
    net, graphs = encoder(), [*placed(*MOLECULES), molecular_graph("CCN")]
    alone = torch.cat([encoded(net, graph) for graph in graphs])
    assert torch.allclose(encoded(net, *graphs), alone, atol=1e-5)


def test_turning_and_moving_a_molecule_changes_nothing() -> None:
    net, (graph,) = encoder(), placed("N[C@@H](C)C(=O)O")
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    assert graph.positions is not None
    moved = replace(graph, positions=(graph.positions @ rotation + 5).astype(np.float32))
    assert torch.allclose(encoded(net, graph), encoded(net, moved), atol=1e-4)


def test_another_shape_is_another_molecule_to_it() -> None:
    net, (graph,) = encoder(), placed("CCO")
    assert graph.positions is not None
    stretched = replace(graph, positions=graph.positions * np.float32(1.3))
    assert not torch.allclose(encoded(net, graph), encoded(net, stretched), atol=1e-3)


def test_atoms_beyond_the_cutoff_are_not_heard() -> None:
    net, graph = encoder(), molecular_graph("[Na+].[Cl-]")
    far, farther = (
        replace(graph, positions=np.array([[0, 0, 0], [distance, 0, 0]], np.float32)) for distance in (9.0, 12.0)
    )
    near = replace(graph, positions=np.array([[0, 0, 0], [3, 0, 0]], np.float32))
    assert torch.equal(encoded(net, far), encoded(net, farther))
    assert not torch.allclose(encoded(net, far), encoded(net, near), atol=1e-3)


def test_without_a_conformer_the_gradient_is_finite() -> None:
    net = encoder().train()
    net(GraphBatch.collate([molecular_graph("CCO"), *placed("CC")])).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


READER = MoleculeReaderConfig(
    encoder=GraphEncoderConfig(layers=2, width=16),
    shape=ShapeConfig(ConformerEncoderConfig(layers=1, width=8, basis=4), ProjectorConfig(granularity="graph")),
)


@torch.no_grad()
def test_a_reader_of_two_views_gives_the_tokens_of_both() -> None:
    torch.manual_seed(0)
    reader = MoleculeReader(READER, model_width=24).eval()
    batch = GraphBatch.collate([*placed("CCO"), *placed("CC")])
    tokens, counts = reader(batch)
    assert counts.tolist() == [4, 3] == [READER.tokens(3), READER.tokens(2)]
    shape, _ = reader.conformer_projector(reader.conformer_encoder(batch), batch)
    assert torch.equal(tokens[[3, 6]], shape)
    single = MoleculeReader(replace(READER, shape=None), model_width=24).eval()
    single.load_state_dict({k: v for k, v in reader.state_dict().items() if not k.startswith("conformer")})
    assert torch.equal(tokens[[0, 1, 2, 4, 5]], single(batch)[0])


def test_impossible_cards_are_refused() -> None:
    with pytest.raises(ConfigError, match="positive cutoff"):
        ConformerEncoderConfig(cutoff=0.0)
