"""Muon gives what torch's own gives, and one facade joins it with AdamW."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from retort.errors import ConfigError
from retort.training.config import TrainingConfig
from retort.training.muon import Muon, orthogonal
from retort.training.optim import MuonWithAdamW, build_optimizer, freeze

CONFIG = TrainingConfig(total_tokens=1_000, peak_learning_rate=0.02, optimizer="muon")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.shared = nn.Embedding(12, 8)
        self.relative_attention_bias = nn.Embedding(4, 2)
        self.wide, self.tall, self.square = nn.Linear(8, 24, bias=False), nn.Linear(24, 8), nn.Linear(8, 8, bias=False)
        self.lm_head = nn.Linear(8, 12, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.square(self.tall(torch.relu(self.wide(self.shared(tokens)))))
        logits: Tensor = self.lm_head(hidden + self.relative_attention_bias.weight.mean())
        return logits


def loss_of(net: Net, step: int) -> Tensor:
    tokens = torch.randint(0, 12, (6, 5), generator=torch.Generator().manual_seed(step))
    return nn.functional.cross_entropy(net(tokens).flatten(0, 1), tokens.flip(1).flatten())


def test_singular_values_come_close_to_one() -> None:
    """Jordan et al. state 0.7 to 1.2 for their coefficients; very small ones need more steps."""
    torch.manual_seed(0)
    matrices = torch.randn(3, 6, 40)
    for made in (orthogonal(matrices), orthogonal(matrices.transpose(1, 2)).transpose(1, 2)):
        assert made.shape == matrices.shape
        values = torch.linalg.svdvals(made)
        assert float(values.min()) > 0.65
        assert float(values.max()) < 1.25
    assert torch.allclose(orthogonal(matrices)[1], orthogonal(matrices[1:2])[0], atol=1e-5)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon of its own")
def test_it_moves_as_torchs_own_does() -> None:
    """Up to bf16, in which torch's iterates: a hundredth of the size of an update."""
    ours, theirs = Net(), Net()
    names = ["wide.weight", "tall.weight", "square.weight"]
    mine = Muon([{"params": [ours.get_parameter(n) for n in names], "weight_decay": 0.1}], lr=0.02)
    torchs = torch.optim.Muon(
        [theirs.get_parameter(n) for n in names], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    start = {name: ours.get_parameter(name).detach().clone() for name in names}
    for step in range(3):
        for name in names:  # the same gradients for both, whatever rounding did before
            gradient = torch.randn(start[name].shape, generator=torch.Generator().manual_seed(step))
            ours.get_parameter(name).grad, theirs.get_parameter(name).grad = gradient, gradient.clone()
        mine.step()
        torchs.step()
    for name in names:
        moved, expected = (net.get_parameter(name).detach() - start[name] for net in (ours, theirs))
        assert float(expected.norm()) > 0.03
        assert float((moved - expected).norm() / expected.norm()) < 0.02


def test_updates_have_the_size_of_adamws() -> None:
    torch.manual_seed(0)
    parameter = nn.Parameter(torch.zeros(64, 256))
    parameter.grad = torch.randn(64, 256)
    Muon([{"params": [parameter]}], lr=1e-3).step()
    assert float(parameter.detach().square().mean().sqrt()) == pytest.approx(0.2e-3, rel=0.2)


def test_hidden_matrices_go_to_muon_and_the_rest_to_adamw() -> None:
    net = Net()
    optimizer = build_optimizer(net, CONFIG)
    assert isinstance(optimizer, MuonWithAdamW)
    names = {id(p): name for name, p in net.named_parameters()}
    muon, adamw = ({names[id(p)] for g in part.param_groups for p in g["params"]} for part in optimizer.parts)
    assert muon == {"wide.weight", "tall.weight", "square.weight"}
    assert adamw == set(names.values()) - muon
    assert len(optimizer.param_groups) == sum(len(part.param_groups) for part in optimizer.parts)


def test_a_stored_state_goes_on_exactly() -> None:
    def train(net: Net, optimizer: MuonWithAdamW, steps: range) -> None:
        for step in steps:
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * group["rate"] / (1 + step)
            loss_of(net, step).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()

    whole, parts, taken_up = Net(), Net(), Net()
    train(whole, joined_optimizer(whole), range(6))
    optimizer = joined_optimizer(parts)
    train(parts, optimizer, range(3))
    assert not any(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))
    taken_up.load_state_dict(parts.state_dict())
    again = joined_optimizer(taken_up)
    again.load_state_dict(optimizer.state_dict())
    train(taken_up, again, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), taken_up.parameters(), strict=True))


def joined_optimizer(net: Net) -> MuonWithAdamW:
    optimizer = build_optimizer(net, replace(CONFIG, embedding_rate=3.0, position_rate=5.0))
    assert isinstance(optimizer, MuonWithAdamW)
    return optimizer


def test_what_it_cannot_do_is_refused() -> None:
    net = Net()
    freeze(net, ["wide", "tall", "square"])
    with pytest.raises(ConfigError, match="needs trainable matrices"):
        build_optimizer(net, CONFIG)
    with pytest.raises(ValueError, match=r"not parameters of shape \(8,\)"):
        Muon([{"params": [nn.Parameter(torch.zeros(8))]}], lr=0.1)
