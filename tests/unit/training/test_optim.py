"""Learning rate, optimiser groups and averaged weights."""

import math
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import nn

from retort.errors import ConfigError
from retort.training.config import TrainingConfig
from retort.training.optim import Average, build_optimizer, freeze, learning_rate, progress

CONFIG = TrainingConfig(total_tokens=1_000, peak_learning_rate=2.0, warmup_tokens=100, decay_fraction=0.2)


def rate(tokens: int, done: float) -> float:
    return learning_rate(CONFIG, tokens=tokens, progress=done)


def test_the_rate_warms_up_stays_and_decays() -> None:
    assert rate(0, 0.0) == pytest.approx(0.02)
    assert rate(49, 0.049) == pytest.approx(1.0)
    assert [rate(100, 0.1), rate(500, 0.5), rate(800, 0.8)] == [2.0, 2.0, 2.0]
    assert rate(850, 0.85) == pytest.approx(2 * (1 - math.sqrt(0.25)))
    assert rate(950, 0.95) == pytest.approx(2 * (1 - math.sqrt(0.75)))
    assert rate(1000, 1.0) == pytest.approx(0.0, abs=1e-12)


def test_no_warm_up_and_no_decay_are_possible() -> None:
    flat = replace(CONFIG, warmup_tokens=0, decay_fraction=0.0)
    assert learning_rate(flat, tokens=0, progress=0.0) == 2.0
    assert learning_rate(flat, tokens=999, progress=0.999) == 2.0


def test_progress_is_the_further_of_tokens_and_time() -> None:
    assert progress(CONFIG, tokens=250, seconds=1e9) == 0.25
    both = replace(CONFIG, budget_minutes=10)
    assert progress(both, tokens=250, seconds=300) == 0.5
    assert progress(both, tokens=750, seconds=300) == 0.75
    assert progress(both, tokens=2000, seconds=0) == 1.0
    assert progress(replace(both, total_tokens=None), tokens=10**9, seconds=60) == pytest.approx(0.1)


def test_a_larger_budget_returns_to_the_stable_phase() -> None:
    assert rate(950, progress(CONFIG, tokens=950, seconds=0)) < 1.0
    longer = replace(CONFIG, total_tokens=2_000)
    assert learning_rate(longer, tokens=950, progress=progress(longer, tokens=950, seconds=0)) == 2.0


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(3, 2)
        self.linear = nn.Linear(2, 2)


def test_only_matrices_decay() -> None:
    net = Net()
    optimizer = build_optimizer(net, CONFIG)
    decayed = {id(p) for g in optimizer.param_groups if g["weight_decay"] > 0 for p in g["params"]}
    assert decayed == {id(net.linear.weight)}
    assert sum(len(g["params"]) for g in optimizer.param_groups) == 3


class Attentive(Net):
    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Linear(2, 2, bias=False)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_queries_have_a_rate_of_their_own(optimizer: Literal["adamw", "muon"]) -> None:
    net = Attentive()
    built = build_optimizer(net, replace(CONFIG, optimizer=optimizer, query_rate=0.125))
    rates = {id(p): (g["rate"], g["hidden"]) for g in built.param_groups for p in g["params"]}
    assert rates[id(net.q.weight)] == (0.125, True)
    assert rates[id(net.linear.weight)] == (1.0, True)


class Positioned(Net):
    def __init__(self) -> None:
        super().__init__()
        self.relative_attention_bias = nn.Embedding(4, 1)


def test_embeddings_and_positions_have_rates_of_their_own() -> None:
    net = Positioned()
    optimizer = build_optimizer(net, replace(CONFIG, embedding_rate=20.0, position_rate=60.0))
    rates = {id(p): (g["rate"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    assert rates == {
        id(net.linear.weight): (1.0, CONFIG.weight_decay),
        id(net.linear.bias): (1.0, 0.0),
        id(net.embedding.weight): (20.0, 0.0),
        id(net.relative_attention_bias.weight): (60.0, 0.0),
    }
    assert len(build_optimizer(net, CONFIG).param_groups) == 2  # without them, as few groups as kinds of decay


def test_freezing_by_prefix() -> None:
    net = Net()
    freeze(net, ["linear."])
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["embedding.weight"]
    assert len(build_optimizer(net, CONFIG).param_groups) == 1
    freeze(net, [])
    assert all(p.requires_grad for p in net.parameters())
    with pytest.raises(ConfigError, match="'conv'"):
        freeze(net, ["conv"])
    with pytest.raises(ConfigError, match="nothing to train"):
        freeze(net, ["linear", "embedding"])


def test_the_average_follows_its_formula() -> None:
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)
    average = Average(net, decay=0.5)
    expected = 1.0
    for step, value in enumerate([2.0, -4.0, 8.0, 1.0, 3.0, 3.0, 3.0, 0.0, 7.0], start=1):
        with torch.no_grad():
            net.weight.fill_(value)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(average.weights["weight"]) == pytest.approx(expected)
    with average.applied():
        assert float(net.weight.detach()) == pytest.approx(expected)
    assert float(net.weight.detach()) == 7.0


def test_the_average_returns_live_weights_after_an_error_and_restores() -> None:
    net = nn.Linear(2, 2)
    average = Average(net, decay=0.9)
    before = net.weight.detach().clone()
    with pytest.raises(ZeroDivisionError), average.applied():
        1 / 0  # noqa: B018
    assert torch.equal(net.weight, before)
    with torch.no_grad():
        net.weight.add_(1.0)
    average.update()
    other = Average(nn.Linear(2, 2), decay=0.9)
    other.restore(average.state())
    assert other.steps == 1
    assert all(torch.equal(other.weights[name], average.weights[name]) for name in average.weights)
