"""Attention scores above a limit come back to it, and nothing else changes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.errors import ConfigError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.seq2seq import Seq2SeqModel
from retort.training.score_limit import ScoreLimit

CARD = Seq2SeqConfig(d_model=32, d_kv=8, d_ff=48, layers=2, decoder_layers=2, heads=4, vocabulary_size=60)


def model() -> Seq2SeqModel:
    torch.manual_seed(0)
    network = BACKBONES.get("t5").build(CARD)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return Seq2SeqModel(network).train()


def batch() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    source = torch.randint(2, 60, (3, 9), generator=random)
    source[0, 5:] = 0
    labels = torch.randint(2, 60, (3, 7), generator=random)
    labels[1, 4:] = -100
    return source, labels


@torch.no_grad()
def first_layer(net: Seq2SeqModel, source: Tensor) -> Tensor:
    """Return the largest score of each head of the first encoder layer, from its definition; [h]."""
    layer = net.network.encoder.block[0].layer[0]
    normed = layer.layer_norm(net.network.shared(source))
    query, key = (part(normed).reshape(*source.shape, 4, 8) for part in (layer.SelfAttention.q, layer.SelfAttention.k))
    found = torch.zeros(4)
    for row, length in enumerate((source != 0).sum(1).tolist()):
        for head in range(4):
            scores = query[row, :length, head] @ key[row, :length, head].T
            found[head] = torch.maximum(found[head], scores.abs().max())
    return found


def test_scores_are_those_of_tokens_alone() -> None:
    net = model()
    source, labels = batch()
    found = ScoreLimit(net, 1.0).largest(source, labels)
    assert found.shape == (2 + 2 * 2, 4)
    torch.testing.assert_close(found[0], first_layer(net, source))
    wide = functional.pad(source, (0, 4)), functional.pad(labels, (0, 3), value=-100)
    torch.testing.assert_close(ScoreLimit(net, 1.0).largest(*wide), found)
    assert net.training


def test_heads_above_the_limit_come_back_to_it_and_the_others_stay() -> None:
    net = model()
    source, labels = batch()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    sizes = first_layer(net, source)
    assert len(set(sizes.tolist())) == 4
    limit = float(sizes.median())
    largest = ScoreLimit(net, limit).hold(source, labels)
    assert float(largest) >= float(sizes.max())
    torch.testing.assert_close(first_layer(net, source), sizes.clamp(max=limit))
    changed = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    assert all(name.endswith((".q.weight", ".k.weight")) for name in changed)
    query = net.network.encoder.block[0].layer[0].SelfAttention.q.weight.view(4, 8, 32)
    original = before["network.encoder.block.0.layer.0.SelfAttention.q.weight"].view(4, 8, 32)
    for head in range(4):
        assert torch.equal(query[head], original[head]) == (float(sizes[head]) <= limit)


def test_processes_take_the_larger_of_their_numbers() -> None:
    net = model()
    source, labels = batch()
    largest = ScoreLimit(net, 1e9).hold(source, labels, over=lambda found: found + 3)
    assert float(largest) == pytest.approx(float(ScoreLimit(net, 1e9).largest(source, labels).max()) + 3)


def test_what_it_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="score_limit is 0"):
        ScoreLimit(model(), 0.0)
    with pytest.raises(ConfigError, match="needs a T5"):
        ScoreLimit(nn.Linear(2, 2), 1.0)  # type: ignore[arg-type]
