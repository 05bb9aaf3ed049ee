"""The forward pass of T5 as a few plain functions of its weights, made to be compiled.

Hugging Face's modules define the network, hold its weights and write its checkpoints; a test holds this pass to their
results. It differs in what a compiler and a GPU like: one function per kind of layer, compiled once for all layers and
all lengths, with joined projections. In training, dropout acts on embeddings, on what each sublayer adds and inside
the feed-forward layers; attention weights are not dropped.

Legend: ``b`` examples, ``h`` heads, ``s`` source tokens, ``t`` target tokens, ``d`` width.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.models.protocol import IGNORED

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MASKED = -1e4  # added to scores of padding: nothing is left of them after the softmax, also in bf16
Layer = Callable[..., Tensor]


def fits(network: "PreTrainedModel") -> bool:
    """Say whether this pass computes a network: a T5 with gated, tanh-approximated GELU and tied embeddings."""
    card = network.config
    gated = card.model_type == "t5" and card.feed_forward_proj == "gated-gelu"
    return bool(gated and card.tie_word_embeddings and getattr(card, "scale_decoder_outputs", True))


class T5Pass:
    """The loss of a Hugging Face T5, computed from its weights without its modules.

    Args:
        network: The network; its present weights are used at each call, and gradients reach them.
        backend: Compiler of ``torch.compile``; None runs the functions as they are.
    """

    def __init__(self, network: "PreTrainedModel", backend: str | None = None) -> None:
        self._network: Any = network
        card = network.config
        self._dropout, self._epsilon = float(card.dropout_rate), float(card.layer_norm_epsilon)
        self._encoder_layer, self._decoder_layer, self._loss = _compiled(
            int(card.num_heads), self._epsilon, self._dropout, backend
        )

    def loss(
        self, source: Tensor, source_mask: Tensor, inputs: Tensor, labels: Tensor, label_smoothing: float = 0.0
    ) -> Tensor:
        """Return the mean cross-entropy over target tokens in nats.

        Args:
            source: Token ids, padded with 0; [b, s].
            source_mask: 1 at tokens, 0 at padding; [b, s].
            inputs: What the decoder reads, padded with 0; [b, t].
            labels: What it should say, padded with -100; [b, t].
            label_smoothing: Share of probability spread over all tokens, 0..1.
        """
        hidden = self.states(source, source_mask, inputs)
        return self._loss(_marked(hidden), self._network.shared.weight, _marked(labels), label_smoothing)

    def states(self, source: Tensor, source_mask: Tensor, inputs: Tensor) -> Tensor:
        """Return the normed last states of the decoder [b, t, d], of which the logits are a linear function."""
        network = self._network
        padding = (1.0 - source_mask[:, None, None, :].float()) * _MASKED
        memory = self._embedded(source)
        bias = _position_bias(network.encoder, source.shape[1])
        for block in network.encoder.block:
            memory = self._encoder_layer(_marked(memory), bias, padding, network.training, *_weights(block))
        memory = self._dropped(_norm(memory, network.encoder.final_layer_norm.weight, self._epsilon))
        x = self._embedded(inputs)
        bias = _position_bias(network.decoder, inputs.shape[1])
        bias = bias + torch.full(bias.shape[2:], _MASKED, device=bias.device).triu(1)
        for block in network.decoder.block:
            x = self._decoder_layer(_marked(x), _marked(memory), bias, padding, network.training, *_weights(block))
        return self._dropped(_norm(x, network.decoder.final_layer_norm.weight, self._epsilon))

    def _embedded(self, tokens: Tensor) -> Tensor:
        return self._dropped(functional.embedding(tokens, self._network.shared.weight))

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self._dropout, self._network.training)


def _weights(block: nn.Module) -> list[Tensor]:
    """Return the weights of one layer in the order in which the layer functions take them."""
    found: list[Tensor] = []
    for part in block.layer:  # type: ignore[union-attr]
        attention = getattr(part, "SelfAttention", None) or getattr(part, "EncDecAttention", None)
        if attention is not None:
            inner = [attention.q.weight, attention.k.weight, attention.v.weight, attention.o.weight]
        else:
            feed_forward = part.DenseReluDense
            inner = [feed_forward.wi_0.weight, feed_forward.wi_1.weight, feed_forward.wo.weight]
        found += [part.layer_norm.weight, *inner]
    return found


def _position_bias(stack: Any, length: int) -> Tensor:
    """Return a stack's bias of scores by relative position; [1, h, length, length]."""
    attention = stack.block[0].layer[0].SelfAttention
    weight = attention.relative_attention_bias.weight  # [buckets, h]
    place = torch.arange(length, device=weight.device)
    buckets = attention._relative_position_bucket(  # noqa: SLF001  # the one definition of T5 buckets
        place[None, :] - place[:, None],
        bidirectional=not attention.is_decoder,
        num_buckets=attention.relative_attention_num_buckets,
        max_distance=attention.relative_attention_max_distance,
    )
    return functional.embedding(buckets, weight).permute(2, 0, 1)[None]


def _marked(x: Tensor) -> Tensor:
    """Tell the compiler that the first two lengths change from call to call."""
    if not torch.compiler.is_compiling():
        torch._dynamo.maybe_mark_dynamic(x, (0, 1))  # noqa: SLF001
    return x


@cache
def _compiled(heads: int, epsilon: float, dropout: float, backend: str | None) -> Sequence[Layer]:
    """Return the encoder layer, the decoder layer and the loss, compiled once per process."""
    functions = (*_layers(heads, epsilon, dropout), _mean_loss)
    if backend is None:
        return functions
    return tuple(torch.compile(function, backend=backend, dynamic=True) for function in functions)


def _layers(heads: int, epsilon: float, dropout: float) -> tuple[Layer, Layer]:
    def encoder_layer(x: Tensor, bias: Tensor, padding: Tensor, training: bool, *w: Tensor) -> Tensor:
        normed = _norm(x, w[0], epsilon)
        query, key, value = functional.linear(normed, torch.cat(w[1:4])).chunk(3, -1)
        x = x + functional.dropout(_attended(query, key, value, bias + padding, w[4], heads), dropout, training)
        return x + functional.dropout(
            _fed_forward(_norm(x, w[5], epsilon), w[6:9], dropout, training), dropout, training
        )

    def decoder_layer(x: Tensor, memory: Tensor, bias: Tensor, padding: Tensor, training: bool, *w: Tensor) -> Tensor:
        normed = _norm(x, w[0], epsilon)
        query, key, value = functional.linear(normed, torch.cat(w[1:4])).chunk(3, -1)
        x = x + functional.dropout(_attended(query, key, value, bias, w[4], heads), dropout, training)
        query = functional.linear(_norm(x, w[5], epsilon), w[6])
        key, value = functional.linear(memory, torch.cat(w[7:9])).chunk(2, -1)
        x = x + functional.dropout(_attended(query, key, value, padding, w[9], heads), dropout, training)
        return x + functional.dropout(
            _fed_forward(_norm(x, w[10], epsilon), w[11:14], dropout, training), dropout, training
        )

    return encoder_layer, decoder_layer


def _norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Scale to unit root mean square, in fp32."""
    x = x.float()
    return weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon))


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, output: Tensor, heads: int) -> Tensor:
    """Attend with added biases [b or 1, h or 1, queries, keys]; T5 does not scale its scores."""
    query, key, value = (part.view(*part.shape[:2], heads, -1).transpose(1, 2) for part in (query, key, value))
    weights = torch.softmax((query @ key.transpose(2, 3)).float() + bias, -1)
    return functional.linear((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2), output)


def _fed_forward(x: Tensor, w: Sequence[Tensor], dropout: float, training: bool) -> Tensor:
    gate, up, down = w
    gated, linear = functional.linear(x, torch.cat([gate, up])).chunk(2, -1)
    return functional.linear(
        functional.dropout(functional.gelu(gated, approximate="tanh") * linear, dropout, training), down
    )


def _mean_loss(hidden: Tensor, embeddings: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    logits = functional.linear(hidden * embeddings.shape[1] ** -0.5, embeddings).float().flatten(0, 1)
    return functional.cross_entropy(logits, labels.flatten(), ignore_index=IGNORED, label_smoothing=label_smoothing)
