"""Fresh T5 networks start with heads that look at a neighbour."""

import pytest
import torch

from retort.models.backbone import BACKBONES, Seq2SeqConfig


@pytest.mark.parametrize(("stack", "distances"), [("encoder", (-1, 1)), ("decoder", (-1, -2))])
def test_half_of_the_heads_attend_to_one_distance(stack: str, distances: tuple[int, int]) -> None:
    torch.manual_seed(0)
    card = Seq2SeqConfig(vocabulary_size=64, d_model=32, d_kv=8, d_ff=32, layers=1, decoder_layers=1, heads=4)
    attention = getattr(BACKBONES.get("t5").build(card), stack).block[0].layer[0].SelfAttention
    bias = attention.compute_bias(12, 12)[0].detach()  # [h, t, s]
    position = 6
    for head, distance in enumerate(distances):
        probabilities = bias[head, position, : position + 3].softmax(0)
        assert int(probabilities.argmax()) == position + distance
        assert float(probabilities.max()) > 0.9
    assert float(bias[2:].abs().max()) < 2  # the other half is T5's own draw
