"""The graph encoder against layers of PyTorch Geometric with the same weights."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.chem.graphs import molecular_graph
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoder, GraphEncoderConfig, build_graph_encoder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library warns of its own optional parts
    geometric = pytest.importorskip("torch_geometric", reason="PyTorch Geometric is not installed: pip install it")
    from torch_geometric.nn import GINEConv, MessagePassing
    from torch_geometric.utils import add_self_loops

MOLECULES = ["CC(=O)Oc1ccccc1C(=O)O", "[Na+]", "C/C=C\\Cl", "N[C@@H](C)C(=O)O", "O", "[Cl-].[NH4+]"]


class PretrainGnnsConv(MessagePassing):
    """GIN with bonds and self-loops as arXiv:1905.12265 describes it, on PyTorch Geometric."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__(aggr="add")
        self.layer = layer

    def forward(self, x: Tensor, edge_index: Tensor, bonds: Tensor) -> Tensor:
        looped, _ = add_self_loops(edge_index, num_nodes=len(x))
        loops = torch.tensor([[4, 0]]).expand(len(x), 2)
        columns = torch.cat([bonds, loops])
        embedded = self.layer.edge_embedding1(columns[:, 0]) + self.layer.edge_embedding2(columns[:, 1])
        return self.layer.mlp(self.propagate(looped, x=x, edge_attr=embedded))

    def message(self, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        return x_j + edge_attr


def seeded(card: GraphEncoderConfig) -> GraphEncoder:
    torch.manual_seed(7)
    net = build_graph_encoder(card)
    for name, tensor in net.named_parameters():
        if name.endswith("eps"):
            nn.init.normal_(tensor)
    net.train()
    net(GraphBatch.collate([molecular_graph(smiles) for smiles in MOLECULES]))  # moves the running statistics
    return net


def by_geometric(net: GraphEncoder, batch: GraphBatch) -> Tensor:
    """Compute the same network of the library's layers, with dropout off."""
    bonds = net.bond_columns(batch)
    x = net.embed(batch)
    for place, (layer, norm) in enumerate(zip(net.gnns, net.batch_norms, strict=True)):
        if net.config.family == "moleculestm":
            conv = GINEConv(copy.deepcopy(layer.mlp), eps=layer.eps.item(), train_eps=True).train(net.training)
            conv.nn.load_state_dict(layer.mlp.state_dict())  # the library draws new weights
            x = conv(x, batch.edges, layer.bond_encoder(bonds))
        else:
            x = PretrainGnnsConv(layer)(x, batch.edges, bonds)
        plain = nn.BatchNorm1d(x.shape[1])
        plain.load_state_dict(norm.state_dict())
        x = plain.train(net.training)(x)
        x = functional.relu(x) if place < len(net.gnns) - 1 else x
    return x


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("features", ["full", "published"])
@pytest.mark.parametrize("family", ["moleculestm", "pretrain_gnns"])
@torch.no_grad()
def test_the_encoder_is_that_of_the_library(family: str, features: str, training: bool) -> None:
    card = GraphEncoderConfig(family=family, features=features, dropout=0.0)  # 5 x 300
    net = seeded(card).train(training)
    batch = GraphBatch.collate([molecular_graph(smiles) for smiles in reversed(MOLECULES)])
    expected = by_geometric(net, batch)
    assert expected.std() > 0.02
    assert torch.allclose(net(batch), expected, atol=1e-4, rtol=1e-4)
