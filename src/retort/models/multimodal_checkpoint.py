"""Folders of multimodal models: everything that is needed to answer, or the folder is refused.

``language_model/`` is a Hugging Face folder, without adapters; ``adapters.safetensors`` is there where there are any;
``molecule_reader.safetensors`` holds encoders and projectors; ``vocabulary.json`` or ``tokenizer/``, and
``chat_template.json``, are what the model was trained with. ``retort.json`` has the cards, the checksum of every file
and the identity of the folder that training started from.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from retort.config import build
from retort.errors import ModelError
from retort.models.adapters import adapter_state, base_state, has_adapters, load_adapters
from retort.models.causal import Kind, load_language_model, multimodal_class
from retort.models.checkpoint import VOCABULARY, read_card, replacing, write_card
from retort.models.graph_weights import read_tensors
from retort.models.lora_settings import LoraSettings
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal import MultimodalModel, MultimodalSeq2Seq
from retort.models.tokenizer import ForeignTokens
from retort.prompting.dialogue import ChatTemplate, VocabularyTokens
from retort.prompting.vocabulary import Vocabulary

KIND = "multimodal"
LANGUAGE_MODEL, TOKENIZER = "language_model", "tokenizer"
READER, ADAPTERS, TEMPLATE = "molecule_reader.safetensors", "adapters.safetensors", "chat_template.json"
ModelTokens = VocabularyTokens | ForeignTokens


@dataclass(frozen=True)
class MultimodalCheckpoint:
    """A multimodal model read from disk, in fp32 and evaluation mode.

    Attributes:
        card: Content of ``retort.json``.
    """

    model: MultimodalModel
    tokens: ModelTokens
    template: ChatTemplate
    card: Mapping[str, Any]


def save_multimodal(
    folder: Path,
    model: MultimodalModel,
    tokens: ModelTokens,
    template: ChatTemplate,
    card: Mapping[str, Any],
    parent: Path | None = None,
) -> None:
    """Write a folder that :func:`load_multimodal` reads, replacing an older one at once.

    Args:
        folder: Where to.
        model: What to write; it is not changed.
        tokens: What turns texts into its ids.
        template: What its dialogues look like.
        card: More to store, such as configurations and metrics.
        parent: The folder that training started from.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    network = model.network
    lora = asdict(network.retort_lora) if has_adapters(network) else None
    kind: Kind = "seq2seq" if isinstance(model, MultimodalSeq2Seq) else "causal"
    parents = [identity(parent)] if parent else []
    with replacing(folder) as temporary:
        network.save_pretrained(temporary / LANGUAGE_MODEL, state_dict=base_state(network))
        _save_tensors(temporary / READER, model.reader.state_dict())
        if lora:
            _save_tensors(temporary / ADAPTERS, adapter_state(network))
        if isinstance(tokens, ForeignTokens):
            tokens.save(temporary / TOKENIZER)
        else:
            tokens.vocabulary.save(temporary / VOCABULARY)
        template.save(temporary / TEMPLATE)
        content = {"kind": KIND, "language_model": kind, "reader": asdict(model.reader.config), "lora": lora}
        names = sorted(str(path.relative_to(temporary)) for path in temporary.rglob("*") if path.is_file())
        write_card(temporary, {**card, **content, "parents": parents}, names)


def load_multimodal(folder: Path) -> MultimodalCheckpoint:
    """Read a multimodal model.

    Raises:
        ModelError: The folder is absent, damaged, of another kind, or lacks a part.
    """
    card = read_card(folder)
    if card.get("kind") != KIND:
        raise ModelError(f"{str(folder)!r} is not a multimodal model.", "Use a folder that its training wrote.")
    _refuse_incomplete(folder, card)
    network = load_language_model(folder / LANGUAGE_MODEL, card["language_model"])
    tokens = _load_tokens(folder, network.get_input_embeddings())
    if card["lora"]:
        settings = build(LoraSettings, card["lora"], str(folder))
        load_adapters(network, settings, read_tensors(folder / ADAPTERS), str(folder))
    reader = build(MoleculeReaderConfig, card["reader"], str(folder))
    model = multimodal_class(card["language_model"])(network, reader)
    _load_strictly(model.reader, read_tensors(folder / READER), folder)
    return MultimodalCheckpoint(model.eval(), tokens, ChatTemplate.load(folder / TEMPLATE), card)


def identity(folder: Path) -> str:
    """Return what identifies a model folder: the checksum of the checksums of its files.

    Raises:
        ModelError: The folder is absent or damaged.
    """
    return hashlib.sha256(json.dumps(read_card(folder)["files"], sort_keys=True).encode()).hexdigest()


def _save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def _refuse_incomplete(folder: Path, card: Mapping[str, Any]) -> None:
    """Refuse a card that never knew of a part: files it does know were compared already."""
    needed = {READER: "its encoders and projectors", TEMPLATE: "its chat template"}
    needed |= {ADAPTERS: "its adapters"} if card.get("lora") else {}
    for name, what in needed.items():
        if name not in card["files"]:
            raise ModelError(f"{str(folder)!r} lacks {name}: {what}.", "Copy the whole folder, or train it again.")


def _load_tokens(folder: Path, embeddings: nn.Module) -> ModelTokens:
    if (folder / TOKENIZER).is_dir():
        return ForeignTokens.load(folder / TOKENIZER)
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    if len(vocabulary) != embeddings.num_embeddings:
        raise ModelError(
            f"{str(folder)!r}: the network knows {embeddings.num_embeddings} tokens, the vocabulary {len(vocabulary)}."
        )
    return VocabularyTokens(vocabulary)


def _load_strictly(reader: nn.Module, stored: Mapping[str, Tensor], folder: Path) -> None:
    own = reader.state_dict()
    for what, names in (("lacks", own.keys() - stored.keys()), ("does not know", stored.keys() - own.keys())):
        if names:
            raise ModelError(f"{str(folder / READER)!r} {what} {min(names)}, one of {len(names)}.", "Train it again.")
    odd = [name for name, tensor in stored.items() if own[name].shape != tensor.shape]
    if odd:
        raise ModelError(
            f"{str(folder / READER)!r}: {min(odd)}, one of {len(odd)}, has another size than its card says."
        )
    reader.load_state_dict(dict(stored))
