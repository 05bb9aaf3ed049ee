"""Backbones: families of pretrained or fresh networks that a model can be built on.

To add a family, add one file to ``backbones/`` that binds ``BACKBONE`` to an object with the two methods below.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from retort.config import option
from retort.registry import Registry

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Seq2SeqConfig:
    """The card of an encoder-decoder that is trained from scratch."""

    backbone: str = option("t5", help="Family of the network; see `retort list backbones`.")
    vocabulary_size: int = option(0, help="Tokens of the vocabulary; 0 takes the prepared folder's.")
    d_model: int = option(256, help="Width of the hidden states.")
    d_kv: int = option(64, help="Width of one attention head.")
    d_ff: int = option(1024, help="Inner width of the feed-forward layers.")
    layers: int = option(4, help="Encoder layers.")
    decoder_layers: int = option(4, help="Decoder layers; they dominate the time of beam search.")
    heads: int = option(4, help="Attention heads.")
    dropout: float = option(0.0, help="Dropout probability, 0..1.")
    feed_forward: str = option("gated-gelu", help="Feed-forward kind, as Hugging Face T5 names it.")
    relative_attention_buckets: int = option(64, help="Buckets of relative positions; nearby positions get one each.")
    relative_attention_max_distance: int = option(
        256, help="Distance in tokens beyond which positions are not told apart."
    )


class Backbone(Protocol):
    """One family of networks."""

    def build(self, config: Seq2SeqConfig) -> "PreTrainedModel":
        """Return a network with fresh weights, drawn from torch's global generator."""
        ...

    def load(self, folder: Path) -> "PreTrainedModel":
        """Return the network of a local Hugging Face folder, in fp32, refusing absent or superfluous weights.

        Raises:
            ModelError: The folder is damaged or of another family.
        """
        ...


BACKBONES: Registry[Backbone] = Registry("backbone", "retort.models.backbones", "BACKBONE")
