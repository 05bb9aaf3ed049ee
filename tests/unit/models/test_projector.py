"""Projectors and granularity: how many tokens a molecule becomes, and of what they are made."""

import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.errors import ConfigError
from retort.models.graph_batch import GraphBatch
from retort.models.projector import Projector, ProjectorConfig, mean_by_graph, merged, padded

MOLECULES = ["CCO", "[Na+]", "c1ccccc1", "O=C=O"]
WIDTH, MODEL = 12, 20


def batch(*smiles: str) -> GraphBatch:
    return GraphBatch.collate([molecular_graph(text) for text in smiles])


def states(graphs: GraphBatch) -> torch.Tensor:
    return torch.randn(len(graphs.atoms), WIDTH, generator=torch.Generator().manual_seed(0))


def projector(**card: object) -> Projector:
    torch.manual_seed(1)
    return Projector(ProjectorConfig(**card), WIDTH, MODEL).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("granularity", "counts"), [("atom", [3, 1, 6, 3]), ("graph", [1] * 4), ("queries", [5] * 4)])
def test_a_molecule_becomes_so_many_tokens(granularity: str, counts: list[int], layers: int) -> None:
    graphs = batch(*MOLECULES)
    net = projector(granularity=granularity, queries=5, layers=layers)
    tokens, found = net(states(graphs), graphs)
    assert found.tolist() == counts == [net.config.tokens(n) for n in graphs.sizes.tolist()]
    assert tokens.shape == (sum(counts), MODEL)
    assert tokens.std() > 0


@torch.no_grad()
@pytest.mark.parametrize("granularity", ["atom", "graph", "queries"])
def test_a_molecule_is_read_the_same_alone_and_among_others(granularity: str) -> None:
    graphs = batch(*MOLECULES)
    net, vectors = projector(granularity=granularity), states(graphs)
    together, _ = net(vectors, graphs)
    pieces = vectors.split(graphs.sizes.tolist())
    alone = [net(piece, batch(smiles))[0] for piece, smiles in zip(pieces, MOLECULES, strict=True)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("granularity", ["graph", "queries"])
def test_pooled_tokens_do_not_depend_on_the_order_of_atoms(granularity: str) -> None:
    graphs = batch("CCO")
    net, vectors = projector(granularity=granularity), states(graphs)
    assert torch.allclose(net(vectors, graphs)[0], net(vectors[[2, 0, 1]], graphs)[0], atol=1e-6)


@torch.no_grad()
def test_queries_read_different_things() -> None:
    graphs = batch("c1ccccc1")
    tokens, _ = projector(granularity="queries", queries=4)(states(graphs), graphs)
    assert all(not torch.allclose(tokens[0], other, atol=1e-3) for other in tokens[1:])


def test_the_mean_and_the_rows_by_hand() -> None:
    graphs = batch("CO", "[Na+]")
    vectors = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 7.0]])
    assert mean_by_graph(vectors, graphs).tolist() == [[2.0, 4.0], [5.0, 7.0]]
    rows, present = padded(vectors, graphs)
    assert rows.tolist() == [[[1.0, 2.0], [3.0, 6.0]], [[5.0, 7.0], [0.0, 0.0]]]
    assert present.tolist() == [[True, True], [True, False]]


def test_two_readers_are_joined_molecule_by_molecule() -> None:
    first = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([2, 1])
    second = torch.tensor([[10.0], [20.0], [30.0]]), torch.tensor([1, 2])
    tokens, counts = merged([first, second])
    assert tokens.flatten().tolist() == [1.0, 2.0, 10.0, 3.0, 20.0, 30.0]
    assert counts.tolist() == [3, 3]


@pytest.mark.parametrize("granularity", ["atom", "graph", "queries"])
def test_no_molecule_gives_no_token_and_no_error(granularity: str) -> None:
    graphs = batch()
    tokens, counts = projector(granularity=granularity)(torch.empty(0, WIDTH), graphs)
    assert (tokens.shape, counts.tolist()) == ((0, MODEL), [])
    tokens.sum().backward()


def test_a_linear_projector_is_linear_and_the_other_is_not() -> None:
    graphs = batch(*MOLECULES)
    vectors = states(graphs)
    for layers, linear in ((1, True), (2, False)):
        net = projector(layers=layers)
        offset = net.layers(torch.zeros(1, WIDTH))
        doubled = net(2 * vectors, graphs)[0] - offset
        assert torch.allclose(doubled, 2 * (net(vectors, graphs)[0] - offset), atol=1e-5) is linear


@pytest.mark.parametrize("wrong", [{"layers": 3}, {"queries": 0}, {"heads": 0}])
def test_impossible_cards_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ProjectorConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="5 attention heads do not divide a width of 12"):
        Projector(ProjectorConfig(granularity="queries", heads=5), WIDTH, MODEL)
