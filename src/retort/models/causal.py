"""Language models that read and write one sequence: any causal model of Hugging Face, loaded or from a card.

Legend: ``b`` rows, ``s`` places, ``v`` vocabulary.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from retort.config import option
from retort.errors import ConfigError, ModelError
from retort.models.multimodal import MultimodalModel
from retort.models.multimodal_batch import MultimodalBatch
from retort.models.protocol import EOS_ID, IGNORED, PAD_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Kind = Literal["causal", "seq2seq"]


@dataclass(frozen=True, slots=True)
class CausalConfig:
    """The card of a causal language model that is trained from scratch."""

    family: str = option("llama", help="Architecture as Hugging Face names it: llama, mistral, phi, qwen2, ...")
    vocabulary_size: int = option(0, help="Tokens of the vocabulary; 0 takes that of the data.")
    width: int = option(256, help="Width of the hidden states.")
    inner_width: int = option(768, help="Inner width of the feed-forward layers.")
    layers: int = option(6, help="Layers.")
    heads: int = option(4, help="Attention heads.")
    key_value_heads: int = option(4, help="Heads of keys and values; fewer than heads share them.")
    positions: int = option(1024, help="Longest sequence.")

    def __post_init__(self) -> None:
        if self.width % self.heads or self.heads % self.key_value_heads:
            raise ConfigError(
                f"width {self.width}, {self.heads} heads and {self.key_value_heads} of keys and values do not divide."
            )


class MultimodalCausal(MultimodalModel):
    """A causal language model that reads words and molecules."""

    def logits(self, batch: MultimodalBatch) -> Tensor:
        """Return the logits of the token after each place; [b, s, v].

        Positions are counted from the first token of a row, so that padding on either side gives the same.
        """
        output = self.network(
            inputs_embeds=self.embed(batch),
            attention_mask=batch.mask,
            position_ids=(batch.mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        )
        logits: Tensor = output.logits
        return logits

    def targets(self, batch: MultimodalBatch) -> Tensor:
        """Return the label after each place; [b, s]."""
        return functional.pad(batch.labels[:, 1:], (0, 1), value=IGNORED)


def build_causal(config: CausalConfig) -> "PreTrainedModel":
    """Return a network with fresh weights, drawn from torch's global generator.

    Raises:
        ConfigError: The architecture is unknown, or the card has no vocabulary.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    if config.vocabulary_size <= EOS_ID:
        raise ConfigError(f"vocabulary_size is {config.vocabulary_size}.", "Give the size of the vocabulary.")
    try:
        card = AutoConfig.for_model(
            config.family,
            vocab_size=config.vocabulary_size,
            hidden_size=config.width,
            intermediate_size=config.inner_width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.key_value_heads,
            max_position_embeddings=config.positions,
            pad_token_id=PAD_ID,
            bos_token_id=None,
            eos_token_id=EOS_ID,
            tie_word_embeddings=True,
        )
        network: PreTrainedModel = AutoModelForCausalLM.from_config(card)
    except (KeyError, ValueError) as error:
        raise ConfigError(f"no causal model of family {config.family!r} can be built: {error}.") from error
    return network


def load_language_model(folder: Path, kind: Kind) -> "PreTrainedModel":
    """Return the network of a local Hugging Face folder, in fp32 and evaluation mode.

    Raises:
        ModelError: The folder is absent, damaged, of another kind, or lacks or adds weights.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    loader = AutoModelForCausalLM if kind == "causal" else AutoModelForSeq2SeqLM
    try:
        network, info = loader.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers and safetensors raise many kinds for a damaged folder
        raise ModelError(f"cannot load a {kind} language model from {str(folder)!r}: {error}.") from error
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(what):
            name = min(str(key) for key in info[what])
            raise ModelError(f"{str(folder)!r} is damaged or of another kind: {what.replace('_', ' ')}, e.g. {name}.")
    loaded: PreTrainedModel = network.eval()
    return loaded


def multimodal_class(kind: Kind) -> type[MultimodalModel]:
    """Return the model class of a kind of language model."""
    from retort.models.multimodal import MultimodalSeq2Seq

    return MultimodalCausal if kind == "causal" else MultimodalSeq2Seq
