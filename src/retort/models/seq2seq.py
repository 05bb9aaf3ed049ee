"""The encoder-decoder as the training loop and decoding see it.

Legend: ``b`` examples, ``h`` heads, ``s`` source tokens, ``t`` target tokens, ``v`` vocabulary.
"""

import shutil
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.errors import ConfigError
from retort.models.protocol import IGNORED, PAD_ID
from retort.models.t5_pass import T5Pass, fits

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Seq2SeqModel(nn.Module):
    """A Hugging Face encoder-decoder with the loss of this project."""

    def __init__(self, network: "PreTrainedModel") -> None:
        super().__init__()
        self.network = network
        self._pass: T5Pass | None = None

    def logits(self, source: Tensor, source_mask: Tensor, labels: Tensor) -> Tensor:
        """Return teacher-forced next-token logits [b, t, v].

        Args:
            source: Token ids, padded with 0; [b, s].
            source_mask: 1 at tokens, 0 at padding; [b, s].
            labels: Target ids ended by ``</s>``, padded with -100; [b, t].
        """
        output = self.network(
            input_ids=source,
            attention_mask=source_mask,
            decoder_input_ids=shift_right(labels),
            use_cache=False,
        )
        logits: Tensor = output.logits
        return logits

    def forward(
        self, source: Tensor, source_mask: Tensor, labels: Tensor, *, label_smoothing: float = 0.0, attend: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return the mean cross-entropy over target tokens in nats, and the middle decoder layer's cross-attention.

        The attention [b, h, t, s] is returned only if ``attend`` asks for it.
        """
        if self._pass is not None and not attend:
            return self._pass.loss(source, source_mask, shift_right(labels), labels, label_smoothing), None
        output = self.network(
            input_ids=source,
            attention_mask=source_mask,
            decoder_input_ids=shift_right(labels),
            use_cache=False,
            output_attentions=attend,
        )
        loss = functional.cross_entropy(
            output.logits.float().flatten(0, 1),
            labels.flatten(),
            ignore_index=IGNORED,
            label_smoothing=label_smoothing,
        )
        layers = output.cross_attentions if attend else None
        return loss, layers[len(layers) // 2] if layers else None

    def compile_passes(self, backend: str = "inductor") -> None:
        """Compile forward and backward pass of training in place, for any lengths; names of weights stay.

        A T5 whose cross-attention is not asked for is computed by :mod:`retort.models.t5_pass`, layer by layer.

        Raises:
            ConfigError: The backend does not exist or its compiler is not installed.
        """
        if backend not in torch.compiler.list_backends(exclude_tags=()):
            raise ConfigError(f"torch has no compiler {backend!r}.")
        if backend == "inductor" and not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
            raise ConfigError("training.compile needs a C++ compiler.", "Install g++ or set training.compile=false.")
        if fits(self.network):
            self._pass = T5Pass(self.network, backend)
        else:
            self.compile(backend=backend, dynamic=True)

    @torch.no_grad()
    def token_losses(self, source: Tensor, source_mask: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(cross-entropy in nats, whether the most likely token is right)`` per target token, each [b, t].

        Both are zero at padding.
        """
        logits = self.logits(source, source_mask, labels).float()
        losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
        return losses, (logits.argmax(-1) == labels) & (labels != IGNORED)


def shift_right(labels: Tensor) -> Tensor:
    """Return decoder inputs [b, t]: the start token (padding), then all labels but the last; -100 becomes padding."""
    inputs = functional.pad(labels[:, :-1], (1, 0), value=PAD_ID)
    return inputs.masked_fill(inputs == IGNORED, PAD_ID)
