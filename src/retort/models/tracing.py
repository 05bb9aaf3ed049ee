"""What a type in the prompt does to an answer: the same question under every type, the same answer read back.

Per token of a given answer: how probable it is under each type, and how much the decoder looks at the type (cross-
attention to its token, mean over layers and heads). Attention says where a network looks, not why it answers as it does
(Jain and Wallace, NAACL 2019); the probabilities are what the type changes.

Legend: ``k`` types, ``t`` answer tokens with ``</s>``, ``s`` source tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """One answer under every type.

    Attributes:
        log_probabilities: Of each answer token, natural log, float64 [k, t].
        attention: Share of each answer token's cross-attention that the type token gets, float64 [k, t], 0..1.
    """

    log_probabilities: Doubles
    attention: Doubles

    @property
    def totals(self) -> Doubles:
        """Log-probability of the whole answer under each type, [k]."""
        whole: Doubles = self.log_probabilities.sum(axis=1)
        return whole

    def swapped(self, told: int, other: int) -> Doubles:
        """Return what the answer tokens lose when another type is told, in nats [t]; negative where they gain."""
        lost: Doubles = self.log_probabilities[told] - self.log_probabilities[other]
        return lost


def trace(network: "PreTrainedModel", sources: Sequence[Sequence[int]], place: int, answer: Sequence[int]) -> Trace:
    """Read one answer back under every type.

    Args:
        network: A Hugging Face encoder-decoder that was trained with types in its prompts; dropout is off meanwhile.
        sources: The question under each type, token ids ended by ``</s>``; all of one length.
        place: Where the type token stands in a source.
        answer: Token ids ended by ``</s>``.

    Raises:
        DataError: The sources differ elsewhere than at the place of the type, or there is no answer.
    """
    import torch

    from retort.models.protocol import PAD_ID
    from retort.models.seq2seq import shift_right

    rows = np.asarray([list(source) for source in sources] if len({len(s) for s in sources}) == 1 else [], np.int64)
    if not rows.size or not len(answer) or (np.delete(rows, place, axis=1) != np.delete(rows[0], place)).any():
        raise DataError("the sources of a trace may differ in their type alone, and there must be an answer.")
    training = network.training
    network.eval()
    source = torch.from_numpy(rows).to(network.device)
    labels = torch.tensor([list(answer)] * len(rows), device=network.device)
    with torch.inference_mode():
        output = network(
            input_ids=source,
            attention_mask=(source != PAD_ID).long(),
            decoder_input_ids=shift_right(labels),
            use_cache=False,
            output_attentions=True,
        )
        chances = output.logits.double().log_softmax(-1).gather(-1, labels[..., None])[..., 0]
        looks = torch.stack([layer[..., place].double().mean(1) for layer in output.cross_attentions]).mean(0)
    network.train(training)
    return Trace(chances.cpu().numpy(), looks.cpu().numpy())
