"""Attention scores held within a limit by scaling the matrices that make them.

Muon moves all directions of a matrix equally, so products of queries and keys may grow until the softmax picks one
token and learning stops. QK-clip (Kimi K2, arXiv:2507.20534, section 2.1) scales the query and key matrices of a head
by the same factor, so that its largest score is the limit again; nothing else of the network changes. Here the largest
score is that of a few rows, looked at every so many steps, and its size counts, whatever its sign.

Legend: ``b`` rows, ``h`` heads, ``s`` source tokens, ``t`` target tokens.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from retort.errors import ConfigError
from retort.models.protocol import IGNORED
from retort.models.seq2seq import Seq2SeqModel

ROWS = 64  # of a batch are looked at


class ScoreLimit:
    """The limit on the scores of one network.

    Args:
        model: A T5; its query and key matrices are changed in place.
        limit: Largest size of a score, position biases apart; above zero.

    Raises:
        ConfigError: The network is no T5, or the limit is not above zero.
    """

    def __init__(self, model: Seq2SeqModel, limit: float) -> None:
        if limit <= 0:
            raise ConfigError(f"training.score_limit is {limit:g}.", "Give a number above zero, or leave it out.")
        self._model, self._limit = model, limit
        self._attentions = {name: module for name, module in model.named_modules() if hasattr(module, "n_heads")}
        if not self._attentions:
            raise ConfigError("training.score_limit needs a T5.", "Leave it out.")

    @torch.no_grad()
    def hold(self, source: Tensor, labels: Tensor, over: Callable[[Tensor], Tensor] = lambda found: found) -> Tensor:
        """Scale the heads whose largest score is above the limit; return the largest of all before that, a scalar.

        Args:
            source: Token ids, padded with 0; [b, s].
            labels: Target ids, padded with -100; [b, t].
            over: Makes one tensor [attentions, h] of those of several processes: the larger of each number.
        """
        found = over(self.largest(source, labels))
        factors = (self._limit / found).clamp(max=1).sqrt()
        for module, factor in zip(self._attentions.values(), factors, strict=True):
            for matrix in _made_by(module):
                matrix.weight.mul_(factor.repeat_interleave(matrix.out_features // len(factor))[:, None])
        return found.max()

    @torch.no_grad()
    def largest(self, source: Tensor, labels: Tensor) -> Tensor:
        """Return the size of the largest score of each head over all pairs of tokens; [attentions, h]."""
        mask = (source != 0).long()
        seen: dict[nn.Module, Tensor] = {}
        matrices = [matrix for module in self._attentions.values() for matrix in _made_by(module)]
        hooks = [m.register_forward_hook(lambda m, _, output: seen.__setitem__(m, output)) for m in matrices]
        was_training = self._model.training
        self._model.eval()
        try:
            self._model.logits(source, mask, labels)
        finally:
            self._model.train(was_training)
            for hook in hooks:
                hook.remove()
        sides = {True: mask, False: (labels != IGNORED).to(mask.dtype)}
        return torch.stack(
            [
                _largest(
                    *(seen[matrix] for matrix in _made_by(module)),
                    queries=sides[name.startswith("network.encoder.")],
                    keys=sides["network.encoder." in name or "EncDecAttention" in name],
                    heads=module.n_heads,
                )
                for name, module in self._attentions.items()
            ]
        )


def _made_by(module: Any) -> tuple[nn.Linear, nn.Linear]:
    """Return what makes an attention's queries and keys."""
    return module.q, module.k


def _largest(query: Tensor, key: Tensor, *, queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """Return the size of the largest product of a query [b, t, h * d] and a key [b, s, h * d] that are tokens; [h]."""
    query, key = ((x * on[..., None]).view(*x.shape[:2], heads, -1) for x, on in ((query, queries), (key, keys)))
    return torch.einsum("bthd,bshd->bhts", query, key).abs().float().amax((0, 2, 3))
