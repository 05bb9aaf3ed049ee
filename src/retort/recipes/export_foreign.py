"""Export a foreign T5-type model with its prompt card: Hugging Face folder -> model folder that answers without torch.

Nothing is downloaded: the folder must be here, with weights, tokenizer and ``prompt.toml``. Ids are put in our order
(padding 0, end 1), and the copy is refused unless its scores are those of the network.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retort import __version__
from retort.errors import InputFileError, MissingExtraError, ModelError
from retort.inference.conversion import deviation, probes, write_ctranslate2
from retort.inference.engines.ctranslate2 import CTranslate2Engine
from retort.inference.engines.transformers import TransformersEngine
from retort.inference.foreign_vocabulary import TOKENIZER, ForeignVocabulary, read_tokenizer
from retort.inference.model_folder import seal
from retort.models.checkpoint import file_sha256, load_network, replacing
from retort.prompting.prompt_card import PROMPTS, PromptCard
from retort.prompting.vocabulary import EOS, PAD, UNKNOWN

INNER = "language_model"


def export_foreign(checkpoint: Path, output: Path, tolerance: float) -> tuple[tuple[str, ...], float, float]:
    """Write a model folder; return its tasks, and the deviations of a float32 and of the int8 copy.

    Args:
        checkpoint: A T5-type Hugging Face folder with ``prompt.toml``.
        output: The folder to write.
        tolerance: Largest deviation of a float32 copy's scores from the network's, log-probability per token.

    Raises:
        ConfigError: The prompt card does not fit its schema.
        ModelError: The network, its tokens or its copy cannot be used.
        MissingExtraError: torch or transformers is not installed.
    """
    card = PromptCard.load(checkpoint / PROMPTS)
    tasks = tuple(card.tasks)
    with tempfile.TemporaryDirectory() as scratch, replacing(output) as folder:
        inner = folder / INNER
        inner.mkdir()
        shutil.copyfile(checkpoint / PROMPTS, inner / PROMPTS)
        network, tokens = _ordered(checkpoint, card, inner)
        vocabulary = ForeignVocabulary(card, tokens, read_tokenizer(inner) if card.split == "tokenizer" else None)
        network.save_pretrained(Path(scratch) / "hf")
        reference = TransformersEngine(Path(scratch) / "hf", vocabulary)
        pairs = probes(tasks, vocabulary, card.prompt)
        write_ctranslate2(network, vocabulary, _made(Path(scratch) / "ct2"), "float32")
        copy = CTranslate2Engine(Path(scratch) / "ct2", vocabulary, compute_type="float32", threads=1)
        float32 = deviation(reference, copy, pairs)
        if float32 > tolerance:
            raise ModelError(
                f"refused: the copy's scores deviate by {float32:.2g} per token (at most {tolerance} is allowed).",
                "The network is of a kind that CTranslate2 does not compute alike.",
            )
        write_ctranslate2(network, vocabulary, inner, "int8")
        int8 = deviation(reference, CTranslate2Engine(inner, vocabulary, threads=1), pairs)
        seal(folder, _card(output.name, checkpoint, tasks))
    return tasks, float32, int8


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _card(name: str, checkpoint: Path, tasks: Sequence[str]) -> dict[str, Any]:
    note = f"{checkpoint.name} is a foreign model; what it is worth was not measured here."
    weights = {path.name: file_sha256(path) for path in sorted(checkpoint.glob("*.safetensors"))}
    return {
        "name": name,
        "release": __version__,
        "proposers": {INNER: {"kind": "language_model", "folder": INNER, "engine": "ctranslate2"}},
        "tasks": {task: {"trained": True, "proposers": [INNER], "notes": [note]} for task in tasks},
        "provenance": {"foreign": checkpoint.name, "files": weights},
    }


def _ordered(checkpoint: Path, card: PromptCard, inner: Path) -> tuple[Any, list[str]]:
    """Return the network with ids in our order, and the tokens in that order; the tokenizer's file is written.

    Raises:
        ModelError: There are more tokens than embeddings, or decoding does not start from padding.
    """
    network: Any = _loaded(checkpoint)
    tokens = _tokens(checkpoint, card, inner)
    size = network.get_input_embeddings().weight.shape[0]
    config = network.config
    if len(tokens) > size:
        raise ModelError(f"{str(checkpoint)!r} has {len(tokens)} tokens and {size} embeddings.")
    if config.decoder_start_token_id not in (None, config.pad_token_id):
        raise ModelError(f"{str(checkpoint)!r} starts answers from token {config.decoder_start_token_id}.", _STARTS)
    tokens += [f"<unused_{i}>" for i in range(size - len(tokens))]
    if UNKNOWN not in tokens:  # a spare embedding stands for what is not known; without one the model is refused
        tokens = [UNKNOWN if token == "<unused_0>" else token for token in tokens]
    first = [config.pad_token_id, config.eos_token_id]
    order = [*first, *(i for i in range(size) if i not in first)]
    _reorder(network, order)
    names = [tokens[i] for i in order]
    return network, [PAD, EOS, *names[2:]]


def _loaded(checkpoint: Path) -> Any:
    """Return the network; what transformers thinks of its configuration is no business of the user's."""
    try:
        from transformers.utils.logging import set_verbosity_error
    except ImportError as error:
        raise MissingExtraError("exporting a model", "train") from error
    set_verbosity_error()
    return load_network(checkpoint)


_STARTS = "Only models that start from padding can be asked."


def _reorder(network: Any, order: Sequence[int]) -> None:
    """Put the rows of embeddings and head in another order, in place; padding becomes 0 and the end 1."""
    import torch

    index = torch.tensor(order)
    tied = network.get_output_embeddings().weight is network.get_input_embeddings().weight
    parts = [network.get_input_embeddings()] + ([] if tied else [network.get_output_embeddings()])
    with torch.no_grad():
        for part in parts:
            part.weight.copy_(part.weight[index].clone())
    for settings in (network.config, network.generation_config):
        settings.pad_token_id, settings.eos_token_id, settings.decoder_start_token_id = 0, 1, 0


def _tokens(checkpoint: Path, card: PromptCard, inner: Path) -> list[str]:
    """Return the tokens by the model's own ids; write ``tokenizer.json`` where the card wants a tokenizer.

    Raises:
        ModelError: The tokenizer cannot be read.
        InputFileError: The file of tokens cannot be read.
    """
    if card.vocabulary is not None:
        try:
            return (checkpoint / card.vocabulary).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputFileError(f"cannot read {str(checkpoint / card.vocabulary)!r}: {error}.") from error
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("exporting a model", "train") from error
    try:
        found = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
        found.backend_tokenizer.save(str(inner / TOKENIZER))
    except Exception as error:  # transformers and tokenizers raise many kinds for a folder they cannot read
        raise ModelError(f"cannot read a tokenizer from {str(checkpoint)!r}: {error}.", _TOKENIZER) from error
    return [str(token) for token in found.convert_ids_to_tokens(range(len(found)))]


_TOKENIZER = "A folder with spiece.model alone needs the package sentencepiece; one with tokenizer.json does not."
