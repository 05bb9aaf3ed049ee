"""Numpy says of a molecule what torch says of it, alone or in a batch; files hold it; damage is told."""

from pathlib import Path

import numpy as np
import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.errors import ModelError
from retort.models.placer import FARTHEST, Placer, PlacerMeta, PlacerSize, distances, neighbours
from retort.models.placer_network import PaddedGraphs, PlacerNetwork, placing_loss

SIZE = PlacerSize(width=16, heads=2, layers=2, inner=24)
MOLECULES = ("CCO", "C[C@H](N)C(=O)O", "COc1cc2ncnc(Nc3ccc(F)cc3)c2cc1OC", "[Na+]", "C#CC=C")


@pytest.fixture(scope="module")
def network() -> PlacerNetwork:
    torch.manual_seed(3)
    network = PlacerNetwork(7, SIZE, dropout=0.5).eval()
    with torch.no_grad():
        for values in network.parameters():  # also gains, biases and what begins as zero
            values.add_(0.1 * torch.randn_like(values))
    return network


def of(network: PlacerNetwork) -> Placer:
    meta = PlacerMeta("retrosynthesis", SIZE, "0" * 64, 3, {"epochs": 1})
    return Placer(meta, network.export(), tuple(f"t{i}" for i in range(7)), np.arange(7, dtype=np.int32))


def test_numpy_and_torch_agree_and_padding_does_not_matter(network: PlacerNetwork) -> None:
    graphs = [molecular_graph(smiles) for smiles in MOLECULES]
    batched = network(PaddedGraphs.collate(graphs)).detach().numpy()
    for row, graph in zip(batched, graphs, strict=True):
        found = of(network).log_probabilities(graph)
        np.testing.assert_allclose(found, row[: len(graph)], atol=1e-5)
        assert np.isneginf(row[len(graph) :]).all()
        assert np.exp(found).sum() == pytest.approx(1, abs=1e-5)


def test_atoms_that_are_alike_are_told_alike(network: PlacerNetwork) -> None:
    found = of(network).log_probabilities(molecular_graph("CC(=O)NCCNC(C)=O"))
    ends = [0, 8]  # the methyl groups, in the order of the canonical spelling
    np.testing.assert_allclose(*found[ends], atol=1e-5)


def test_distances_and_neighbours_of_a_chain_and_a_salt() -> None:
    chain = distances(molecular_graph("C" * (FARTHEST + 3)))
    assert chain[0].tolist() == [*range(FARTHEST), FARTHEST, FARTHEST, FARTHEST]
    salt = distances(molecular_graph("[Na+].[Cl-]"))
    assert salt.tolist() == [[0, FARTHEST], [FARTHEST, 0]]
    by_kind = neighbours(molecular_graph("C=CC#N")).sum(axis=(1, 2))
    assert by_kind.tolist() == [2, 2, 2, 0]  # single, double, triple, aromatic; both directions


def test_loss_is_the_mean_over_the_true_atoms() -> None:
    shares = torch.tensor([[[0.5, 0.1], [0.2, 0.1], [0.1, 0.0]]])
    loss = placing_loss(shares.log(), torch.tensor([0]), torch.tensor([[True, True, False]]))
    assert loss.item() == pytest.approx(-(np.log(0.5) + np.log(0.2)) / 2, abs=1e-6)


def test_a_file_gives_back_what_it_was_given(network: PlacerNetwork, tmp_path: Path) -> None:
    placer, path, graph = of(network), tmp_path / "placer.npz", molecular_graph(MOLECULES[2])
    placer.save(path)
    read = Placer.load(path)
    assert (read.meta, read.classes, read.counts.tolist()) == (placer.meta, placer.classes, list(range(7)))
    exact, rounded = placer.log_probabilities(graph), read.log_probabilities(graph)
    assert 0 < np.abs(np.exp(exact) - np.exp(rounded)).max() < 0.02  # int8


def test_damaged_files_are_refused(network: PlacerNetwork, tmp_path: Path) -> None:
    path = tmp_path / "placer.npz"
    with pytest.raises(ModelError, match="cannot read the model"):
        Placer.load(path)
    of(network).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="cannot read the model"):
        Placer.load(path)
    placer = of(network)
    Placer(placer.meta, placer.weights, placer.classes[:-1], placer.counts).save(path)
    with pytest.raises(ModelError, match="do not fit"):
        Placer.load(path)
