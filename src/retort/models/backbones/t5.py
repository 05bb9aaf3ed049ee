"""T5 encoder-decoders (Raffel et al., JMLR 2020, 21, 140), through Hugging Face transformers.

A card gives tied embeddings with scaled decoder outputs, decoding from padding and a vocabulary of exactly the given
size: the settings under which CTranslate2 reproduces the scores of the network. Any local T5-type folder loads.
"""

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.errors import ConfigError, ModelError
from retort.models.backbone import Seq2SeqConfig
from retort.models.protocol import EOS_ID, PAD_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class T5:
    """Encoder-decoders of the T5 family."""

    def build(self, config: Seq2SeqConfig) -> "PreTrainedModel":
        """Return a T5 with fresh weights, drawn from torch's global generator.

        Raises:
            ConfigError: The card is inconsistent.
        """
        from transformers import T5Config, T5ForConditionalGeneration

        if config.vocabulary_size <= EOS_ID:
            raise ConfigError(f"vocabulary_size is {config.vocabulary_size}.", "Give the size of the vocabulary.")
        card = T5Config(
            vocab_size=config.vocabulary_size,
            d_model=config.d_model,
            d_kv=config.d_kv,
            d_ff=config.d_ff,
            num_layers=config.layers,
            num_decoder_layers=config.decoder_layers,
            num_heads=config.heads,
            dropout_rate=config.dropout,
            feed_forward_proj=config.feed_forward,
            relative_attention_num_buckets=config.relative_attention_buckets,
            relative_attention_max_distance=config.relative_attention_max_distance,
            tie_word_embeddings=True,
            pad_token_id=PAD_ID,
            eos_token_id=EOS_ID,
            decoder_start_token_id=PAD_ID,
            attn_implementation=_ATTENTION,
        )
        network = T5ForConditionalGeneration(card)
        _sharpen_local_heads(network)
        return _with_fused_gelu(network)

    def load(self, folder: Path) -> "PreTrainedModel":
        """Return the network of a local T5-type folder, in fp32.

        Raises:
            ModelError: The folder is damaged, of another family, or lacks or adds weights.
        """
        import torch
        from transformers import T5ForConditionalGeneration

        try:
            network, info = T5ForConditionalGeneration.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                output_loading_info=True,
                attn_implementation=_ATTENTION,
            )
        except Exception as error:  # transformers and safetensors raise many kinds for a damaged folder
            raise ModelError(f"cannot load a T5 model from {str(folder)!r}: {error}.") from error
        _refuse_misfits(folder, info)
        return _with_fused_gelu(network)


_ATTENTION = "eager"  # on CPU the fused kernel is slower than plain matrix products when a position bias is added


_LOCAL_BIAS = 5.0  # about 150 times the weight of a position elsewhere


def _sharpen_local_heads(network: "PreTrainedModel") -> None:
    """Let half of the heads start out looking at a neighbour: one step to the left, to the right, two steps, ...

    T5 draws position biases close to zero, and Adam moves a weight by about its learning rate a step, so a head
    needs thousands of steps before it can tell the previous token from the rest; copying starts only after that.
    """
    import torch

    for stack in (network.encoder, network.decoder):
        attention = stack.block[0].layer[0].SelfAttention
        weight = attention.relative_attention_bias.weight  # [buckets, heads]
        distances = (-1, -2, -3, -4) if attention.is_decoder else (-1, 1, -2, 2)
        for head, distance in zip(range(weight.shape[1] // 2), cycle(distances), strict=False):
            bucket = attention._relative_position_bucket(  # noqa: SLF001  # the one definition of T5 buckets
                torch.tensor([distance]),
                bidirectional=not attention.is_decoder,
                num_buckets=attention.relative_attention_num_buckets,
                max_distance=attention.relative_attention_max_distance,
            )
            weight.data[bucket, head] = _LOCAL_BIAS


def _refuse_misfits(folder: Path, info: dict[str, Any]) -> None:
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            names = ", ".join(sorted(str(key) for key in info[kind])[:3])
            raise ModelError(f"{str(folder)!r} is damaged or of another kind: {kind.replace('_', ' ')} {names}.")


def _with_fused_gelu(network: "PreTrainedModel") -> "PreTrainedModel":
    """Compute the tanh form of GELU by one kernel instead of eight: a tenth of the training time on a CPU."""
    from torch import nn
    from transformers.activations import NewGELUActivation

    for module in network.modules():
        if isinstance(getattr(module, "act", None), NewGELUActivation):
            module.act = nn.GELU(approximate="tanh")
    return network


BACKBONE = T5()
