"""Guessing hidden atoms and bonds: what is hidden is not seen, counts are right, and something is learned."""

import numpy as np
import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.chem.molecular_graph import GraphTable
from retort.errors import ConfigError
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.training.graph_pretraining import (
    GraphReport,
    Guesses,
    Hidden,
    MaskedGraphModel,
    hide,
    look,
    majority,
    masked_loss,
    pretrain,
    truth,
)
from retort.training.graph_settings import GraphPretraining

CARD = GraphEncoderConfig(layers=2, width=32, dropout=0.0)
# Next to a hidden atom, the hybridisation of its neighbour tells nitrogen, oxygen and carbon apart.
TAUGHT = ["CC#N", "CCC#N", "CC(C)=O", "CC=O", "CCC=O", "C#N"]


def model(card: GraphEncoderConfig = CARD) -> MaskedGraphModel:
    torch.manual_seed(0)
    return MaskedGraphModel(build_graph_encoder(card)).eval()


def table(*smiles: str) -> GraphTable:
    return GraphTable.build([molecular_graph(text) for text in smiles])


def test_counts_by_hand() -> None:
    found = Guesses.count(torch.tensor([5, 5, 6, 7]), torch.tensor([5, 6, 6, 8]), frequent=5)
    assert found == Guesses(n=4, accuracy=0.5, majority=0.25, n_minority=3, minority_accuracy=pytest.approx(1 / 3))
    nothing = Guesses.count(torch.tensor([]), torch.tensor([]), frequent=5)
    assert nothing == Guesses(0, 0.0, 0.0, 0, 0.0)


def test_the_majority_is_that_of_the_table() -> None:
    assert majority(table("CCO", "C=C")) == (5, 0)
    assert majority(table("O", "[Na+].[Cl-]", "O")) == (7, 0)


def test_shares_are_hidden_and_bonds_in_both_directions() -> None:
    batch = GraphBatch.collate([molecular_graph("c1ccccc1C#N")] * 200)
    settings = GraphPretraining(atom_share=0.2, bond_share=0.4)
    hidden = hide(batch, settings, torch.Generator().manual_seed(0))
    assert hidden.atoms.float().mean() == pytest.approx(0.2, abs=0.03)
    assert hidden.edges.float().mean() == pytest.approx(0.4, abs=0.03)
    assert torch.equal(hidden.edges[::2], hidden.edges[1::2])
    again = hide(batch, settings, torch.Generator().manual_seed(0))
    assert torch.equal(again.atoms, hidden.atoms)


@torch.no_grad()
def test_a_hidden_atom_says_nothing_of_itself() -> None:
    """Hiding the last atom of CCO and of CCF gives the same guesses where neighbours do not differ."""
    net = model(GraphEncoderConfig(layers=2, width=32, features="published"))
    hidden = Hidden(torch.tensor([False, False, True]), torch.zeros(4, dtype=torch.bool))
    alcohol, fluoride = (GraphBatch.collate([molecular_graph(text)]) for text in ("CCO", "CCF"))
    assert torch.equal(net(alcohol, hidden)[0], net(fluoride, hidden)[0])
    shown = Hidden(torch.tensor([True, False, False]), hidden.edges)
    assert not torch.equal(net(alcohol, shown)[0], net(fluoride, shown)[0])


@torch.no_grad()
def test_guesses_stand_beside_the_truth_about_them() -> None:
    batch = GraphBatch.collate([molecular_graph("CC=O"), molecular_graph("N#CBr")])
    hidden = Hidden(
        torch.tensor([False, False, True, True, False, False]),
        torch.tensor([False, False, True, True, True, True, False, False]),
    )
    elements, types = truth(batch, hidden)
    symbols = [batch.atoms[i, 0].item() + 1 for i in range(6)]
    assert elements.tolist() == [symbols[2] - 1, symbols[3] - 1]
    assert types.tolist() == [batch.bonds[2, 0].item(), batch.bonds[4, 0].item()]
    atoms, bonds = model()(batch, hidden)
    assert (atoms.shape, bonds.shape) == ((2, 119), (2, 5))


@torch.no_grad()
def test_nothing_hidden_costs_nothing() -> None:
    batch = GraphBatch.collate([molecular_graph("[Na+]")])
    hidden = Hidden(torch.zeros(1, dtype=torch.bool), torch.zeros(0, dtype=torch.bool))
    assert float(masked_loss(model()(batch, hidden), truth(batch, hidden))) == 0.0


def test_the_loss_is_the_mean_of_each_kind() -> None:
    logits = torch.zeros(2, 119), torch.zeros(3, 5)
    true = torch.zeros(2, dtype=torch.long), torch.zeros(3, dtype=torch.long)
    assert float(masked_loss(logits, true)) == pytest.approx(np.log(119) + np.log(5), rel=1e-6)


def test_an_encoder_learns_what_neighbours_tell() -> None:
    molecules = table(*TAUGHT * 16)
    settings = GraphPretraining(epochs=12, batch_size=16, learning_rate=5e-3, seed=1)
    torch.manual_seed(0)
    encoder = build_graph_encoder(CARD)
    seen: list[tuple[int, GraphReport]] = []
    report = pretrain(encoder, molecules, molecules, settings, lambda epoch, _, r, __: seen.append((epoch, r)))
    assert [epoch for epoch, _ in seen] == list(range(1, 13))
    assert seen[-1][1] == report
    assert report.atoms.n > 30
    assert report.atoms.minority_accuracy > 0.6  # the majority guess has 0
    assert report.atoms.accuracy > report.atoms.majority + 0.1
    assert report.loss < seen[0][1].loss / 2
    assert not encoder.training


def test_the_same_seed_gives_the_same_weights() -> None:
    molecules, settings = table(*TAUGHT), GraphPretraining(epochs=2, batch_size=4, seed=3)
    reports = []
    for _ in range(2):
        torch.manual_seed(3)
        reports.append(pretrain(build_graph_encoder(CARD), molecules, molecules, settings, lambda *_: None))
    assert reports[0] == reports[1]


def test_a_look_is_the_same_whatever_the_training_drew() -> None:
    molecules, settings = table(*TAUGHT), GraphPretraining(batch_size=4)
    net = model()
    first = look(net, molecules, settings, majority(molecules))
    torch.rand(7)
    assert look(net, molecules, settings, majority(molecules)) == first


@pytest.mark.parametrize("wrong", [{"atom_share": 0.0}, {"atom_share": 1.0}, {"bond_share": -0.1}, {"epochs": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        GraphPretraining(**wrong)  # type: ignore[arg-type]
