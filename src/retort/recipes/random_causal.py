"""A causal language model with random weights and a tokenizer of bytes, as a Hugging Face folder, to try things out.

``python -m retort.recipes.random_causal CONFIG.toml [key=value ...]``. What it answers means nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from retort.config import load, option
from retort.errors import ModelError, OutputError
from retort.models.causal import CausalConfig, build_causal
from retort.models.protocol import EOS_ID, PAD_ID
from retort.recipes.entry import run_with_config

PAD, EOS = "<pad>", "<end>"


@dataclass(frozen=True)
class RandomCausalConfig:
    """A model without knowledge."""

    output: Path = option(help="folder that receives network and tokenizer")
    card: CausalConfig = field(default_factory=CausalConfig, metadata={"help": "size; the vocabulary is that of bytes"})
    chat_template: str = option("", help="chat template in Jinja; without one texts are continued as they are")
    weights_seed: int = option(0, help="seed of the weights")


def random_causal(config: RandomCausalConfig) -> Path:
    """Write the folder; return it.

    Raises:
        ModelError: The card names a vocabulary of its own.
        OutputError: The folder cannot be written.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if config.card.vocabulary_size:
        raise ModelError("the vocabulary is that of bytes.", "Leave vocabulary_size out.")
    names = [PAD, EOS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    assert (names[PAD_ID], names[EOS_ID]) == (PAD, EOS)  # the card of a causal network has them there
    torch.manual_seed(config.weights_seed)
    network = build_causal(replace(config.card, vocabulary_size=len(names)))
    foreign = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=EOS)
    foreign.chat_template = config.chat_template or None
    try:
        for part in (network, foreign):
            part.save_pretrained(config.output)
    except OSError as error:
        raise OutputError(f"cannot write {str(config.output)!r}: {error.strerror or error}.") from error
    return config.output


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return random_causal(load(RandomCausalConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
