"""The graph encoder: batches, order of atoms, single atoms, frozen weights, published files."""

from pathlib import Path
from typing import get_args

import pytest
import torch
from rdkit import Chem
from safetensors.torch import save_file
from torch import Tensor, nn

from retort.chem.graphs import graph_of, molecular_graph
from retort.errors import ConfigError, ModelError
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import Family, GraphEncoder, GraphEncoderConfig, build_graph_encoder
from retort.models.graph_weights import load_graph_weights

MOLECULES = ["CC(=O)Oc1ccccc1C(=O)O", "[Na+]", "C/C=C\\Cl", "N[C@@H](C)C(=O)O", "O", "[Cl-].[NH4+]", "N->[Cu]"]
CARDS = [
    GraphEncoderConfig(layers=3, width=16),
    GraphEncoderConfig(layers=3, width=16, features="published"),
    GraphEncoderConfig(layers=3, width=16, family="pretrain_gnns"),
]


def encoder(card: GraphEncoderConfig) -> GraphEncoder:
    """Build an encoder whose running statistics are those of the molecules above, as after training."""
    torch.manual_seed(0)
    made = build_graph_encoder(card)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0
    with torch.no_grad():
        made.train()(batch(*MOLECULES))
    return made.eval()


def batch(*smiles: str) -> GraphBatch:
    return GraphBatch.collate([molecular_graph(text) for text in smiles])


@pytest.fixture(params=CARDS, ids=lambda card: f"{card.family}-{card.features}")
def card(request: pytest.FixtureRequest) -> GraphEncoderConfig:
    chosen: GraphEncoderConfig = request.param
    return chosen


def test_the_card_of_the_paper_is_the_default() -> None:
    card = GraphEncoderConfig()
    assert (card.family, card.layers, card.width) == ("moleculestm", 5, 300)


def test_moleculestm_has_the_names_of_its_published_weights() -> None:
    names = build_graph_encoder(GraphEncoderConfig(layers=1, width=4)).state_dict()
    expected = {f"atom_encoder.atom_embedding_list.{i}.weight" for i in range(9)}
    expected |= {f"gnns.0.bond_encoder.bond_embedding_list.{i}.weight" for i in range(3)}
    statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected |= {f"{norm}.{part}" for norm in ("gnns.0.mlp.1", "batch_norms.0") for part in statistics}
    expected |= {"gnns.0.eps", *(f"gnns.0.mlp.{i}.{part}" for i in (0, 3) for part in ("weight", "bias"))}
    assert set(names) == expected
    sizes = [len(names[f"atom_encoder.atom_embedding_list.{i}.weight"]) for i in range(9)]
    assert sizes == [119, 4, 12, 12, 10, 6, 6, 2, 2]  # OGB 1.2
    assert [len(names[f"gnns.0.bond_encoder.bond_embedding_list.{i}.weight"]) for i in range(3)] == [5, 6, 2]


def test_pretrain_gnns_has_the_names_of_its_published_weights() -> None:
    names = build_graph_encoder(GraphEncoderConfig(layers=1, width=4, family="pretrain_gnns")).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in names.items() if "embedding" in name or "mlp" in name}
    assert shapes == {
        "x_embedding1.weight": (120, 4),
        "x_embedding2.weight": (3, 4),
        "gnns.0.edge_embedding1.weight": (6, 4),
        "gnns.0.edge_embedding2.weight": (3, 4),
        "gnns.0.mlp.0.weight": (8, 4),
        "gnns.0.mlp.0.bias": (8,),
        "gnns.0.mlp.2.weight": (4, 8),
        "gnns.0.mlp.2.bias": (4,),
    }


@torch.no_grad()
def test_a_batch_is_encoded_as_its_molecules_one_by_one(card: GraphEncoderConfig) -> None:
    net = encoder(card)
    together = net(batch(*MOLECULES))
    alone = torch.cat([net(batch(smiles)) for smiles in MOLECULES])
    assert together.shape == (sum(len(molecular_graph(s)) for s in MOLECULES), card.width)
    assert torch.allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_the_order_of_atoms_is_that_of_the_states(card: GraphEncoderConfig) -> None:
    net = encoder(card)
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")  # no stereo: its tags would change with the order
    order = torch.randperm(mol.GetNumAtoms(), generator=torch.Generator().manual_seed(1)).tolist()
    plain = net(GraphBatch.collate([graph_of(mol)]))
    permuted = net(GraphBatch.collate([graph_of(Chem.RenumberAtoms(mol, order))]))
    assert torch.allclose(permuted, plain[order], atol=1e-5)
    assert not torch.allclose(permuted, plain, atol=1e-3)


@torch.no_grad()
def test_atoms_see_as_many_bonds_away_as_there_are_layers(card: GraphEncoderConfig) -> None:
    net = encoder(card)  # three layers
    near, far = (net(batch(smiles))[0] for smiles in ("CCCCCCO", "CCCCCCN"))
    assert torch.allclose(near, far, atol=1e-6)
    near, far = (net(batch(smiles))[0] for smiles in ("CCCO", "CCCN"))
    assert not torch.allclose(near, far, atol=1e-3)


@torch.no_grad()
def test_what_published_features_cannot_tell_apart_the_full_ones_can() -> None:
    acid, base = batch("CC(=O)O"), batch("CC(=O)[O-]")
    assert torch.allclose(encoder(CARDS[1])(acid), encoder(CARDS[1])(base))
    assert not torch.allclose(encoder(CARDS[0])(acid), encoder(CARDS[0])(base), atol=1e-3)


@pytest.mark.parametrize("smiles", [(), ("[Na+]",), ("O", "CC")])
def test_small_batches_train(card: GraphEncoderConfig, smiles: tuple[str, ...]) -> None:
    net = build_graph_encoder(card).train()
    states = net(batch(*smiles))
    states.square().sum().backward()
    assert states.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_a_hidden_bond_is_not_read(card: GraphEncoderConfig) -> None:
    net = encoder(card)
    single, double = batch("CC"), batch("C=C")
    states = net.embed(single)
    hidden, shown = torch.zeros(2), torch.ones(2)
    assert torch.equal(net.pass_messages(states, single, hidden), net.pass_messages(states, double, hidden))
    assert not torch.allclose(net.pass_messages(states, single, shown), net.pass_messages(states, double, shown))


def test_a_frozen_encoder_stays_as_it_is(card: GraphEncoderConfig) -> None:
    net = encoder(card).requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    first = net.train()(batch(*MOLECULES))
    assert torch.equal(first, net(batch(*MOLECULES)))  # no dropout
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())  # no statistics
    assert net.requires_grad_(True).train().training


def published(net: GraphEncoder) -> dict[str, Tensor]:
    """Return the content of a file like MoleculeSTM's ``molecule_model.pth``."""
    inside = {f"molecule_node_model.{name}": tensor for name, tensor in net.state_dict().items()}
    return inside | {"graph_pred_linear.weight": torch.zeros(1, 16), "graph_pred_linear.bias": torch.zeros(1)}


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@torch.no_grad()
def test_published_weights_load(card: GraphEncoderConfig, name: str, tmp_path: Path) -> None:
    net = encoder(card)
    tensors = published(net) if name.endswith("pth") else net.state_dict()
    (torch.save if name.endswith("pth") else save_file)(tensors, tmp_path / name)
    torch.manual_seed(5)
    fresh = build_graph_encoder(card).eval()
    assert not torch.allclose(fresh(batch(*MOLECULES)), net(batch(*MOLECULES)))
    load_graph_weights(fresh, tmp_path / name)
    assert torch.equal(fresh(batch(*MOLECULES)), net(batch(*MOLECULES)))


def test_the_row_that_later_versions_of_ogb_add_is_left_out(tmp_path: Path) -> None:
    net = encoder(CARDS[0])
    tensors = published(net)
    name = "molecule_node_model.atom_encoder.atom_embedding_list.1.weight"
    tensors[name] = torch.cat([tensors[name], torch.ones(1, 16)])
    torch.save(tensors, tmp_path / "weights.pth")
    load_graph_weights(fresh := build_graph_encoder(CARDS[0]), tmp_path / "weights.pth")
    assert torch.equal(fresh.state_dict()["atom_encoder.atom_embedding_list.1.weight"], tensors[name][:4])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("molecule_node_model.gnns.2.eps"), "gnns.2.eps is missing"),
        (lambda t: t.update({"molecule_node_model.extra": torch.zeros(1)}), "extra is unknown"),
        (lambda t: t.update({"molecule_node_model.gnns.0.eps": torch.zeros(2)}), "gnns.0.eps has another size"),
        (lambda t: t.update({"molecule_node_model.gnns.0.eps": [1.0]}), "plain table of tensors"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(change: object, words: str, tmp_path: Path) -> None:
    tensors = published(encoder(CARDS[0]))
    assert callable(change)
    change(tensors)
    torch.save(tensors, tmp_path / "weights.pth")
    with pytest.raises(ModelError, match=words):
        load_graph_weights(build_graph_encoder(CARDS[0]), tmp_path / "weights.pth")


def test_weights_of_the_other_family_are_refused(tmp_path: Path) -> None:
    torch.save(encoder(CARDS[2]).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ModelError, match="does not fit moleculestm of 3 layers and width 16"):
        load_graph_weights(build_graph_encoder(CARDS[0]), tmp_path / "weights.pth")


def test_a_file_that_runs_code_or_is_damaged_is_refused(tmp_path: Path) -> None:
    net = encoder(CARDS[0])
    torch.save(net, tmp_path / "module.pth")
    (tmp_path / "damaged.pth").write_bytes(b"not weights")
    for name in ("module.pth", "damaged.pth", "absent.pth", "absent.safetensors"):
        with pytest.raises(ModelError, match="cannot read weights"):
            load_graph_weights(net, tmp_path / name)


def test_an_impossible_card_is_refused() -> None:
    assert set(get_args(Family)) == {"moleculestm", "pretrain_gnns"}
    with pytest.raises(ConfigError, match="0 layers"):
        GraphEncoderConfig(layers=0)
