"""A chain of folders: each reloads to identical logits, knows its parent, and is refused where a part is missing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from retort.errors import DataError, ModelError
from retort.models.adapters import Policy, apply_policy, has_adapters
from retort.models.checkpoint import write_card
from retort.models.lora_settings import LoraSettings
from retort.models.multimodal import MultimodalModel
from retort.models.multimodal_checkpoint import identity, load_multimodal, save_multimodal
from retort.models.tokenizer import ForeignTokens
from retort.prompting.dialogue import (
    OWN_TEMPLATE,
    Dialogue,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    words_template,
)
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary

from .multimodal_cases import ROWS, TOKENS, batch, collator, model

POLICIES = (
    Policy("projector"),
    Policy("adapters", lora=LoraSettings(rank=2, alpha=4, dropout=0.0)),
    Policy("all", encoders=True),
)


def train(net: MultimodalModel, policy: Policy) -> MultimodalModel:
    """Take a few steps by a policy."""
    apply_policy(net, policy)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.02)
    made = batch(net, ROWS)
    for _ in range(3):
        optimizer.zero_grad()
        net.train()(made).backward()
        optimizer.step()
    return net.eval()


@torch.no_grad()
def logits(net: MultimodalModel) -> torch.Tensor:
    return net.logits(batch(net, ROWS))


@pytest.mark.parametrize("family", ["llama", "phi", "t5"])
def test_every_stage_reloads_to_the_same_logits_and_knows_its_parent(family: str, tmp_path: Path) -> None:
    """Projector, then adapters, then everything; each stage starts from the folder of the one before."""
    save_multimodal(tmp_path / "0", model(family), TOKENS, OWN_TEMPLATE, {"stage": "start"})
    before = None
    for number, policy in enumerate(POLICIES, 1):
        parent, folder = tmp_path / str(number - 1), tmp_path / str(number)
        net = load_multimodal(parent).model
        if before is not None:
            assert torch.equal(logits(net), before)
        net = train(net, policy)
        save_multimodal(folder, net, TOKENS, OWN_TEMPLATE, {"stage": policy.name}, parent)
        stored = load_multimodal(folder)
        before = logits(net)
        assert torch.equal(logits(stored.model), before)
        assert not torch.allclose(logits(load_multimodal(parent).model), before, atol=1e-3)
        assert stored.card["parents"] == [identity(parent)]
        assert stored.card["stage"] == policy.name
        assert has_adapters(stored.model.network) is (number >= 2)
    assert (stored.template, stored.tokens) == (OWN_TEMPLATE, TOKENS)


def saved(folder: Path) -> Path:
    net = model("llama")
    apply_policy(net, POLICIES[1])
    save_multimodal(folder, net, TOKENS, OWN_TEMPLATE, {})
    return folder


def resign(folder: Path) -> None:
    """Write a card that agrees with the files there are, as a careless copy would."""
    card = json.loads((folder / "retort.json").read_text("utf-8"))
    names = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != "retort.json"]
    write_card(folder, {k: v for k, v in card.items() if k not in ("files", "format", "version")}, names)


@pytest.mark.parametrize("name", ["molecule_reader.safetensors", "adapters.safetensors", "chat_template.json"])
def test_a_folder_without_a_part_is_refused(name: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}' is missing or damaged"):
        load_multimodal(folder)
    resign(folder)
    with pytest.raises(ModelError, match=f"lacks {name}"):
        load_multimodal(folder)


@pytest.mark.parametrize("name", ["language_model/model.safetensors", "vocabulary.json"])
def test_a_folder_without_language_model_or_vocabulary_is_refused(name: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    (folder / name).unlink()
    resign(folder)
    with pytest.raises(ModelError):
        load_multimodal(folder)


def test_a_folder_whose_projector_was_left_out_of_the_file_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    path = folder / "molecule_reader.safetensors"
    save_file({n: t for n, t in load_file(path).items() if not n.startswith("projector.")}, path)
    resign(folder)
    with pytest.raises(ModelError, match=r"lacks projector.layers.0.bias, one of 4"):
        load_multimodal(folder)


def test_a_projector_of_another_size_or_with_more_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    path = folder / "molecule_reader.safetensors"
    tensors = load_file(path)
    for changed, words in (
        ({"projector.layers.0.bias": torch.zeros(3)}, "has another size"),
        ({"projector.layers.4.bias": torch.zeros(3)}, "does not know projector.layers.4.bias"),
    ):
        save_file({**tensors, **changed}, path)
        resign(folder)
        with pytest.raises(ModelError, match=words):
            load_multimodal(folder)


def test_another_vocabulary_or_kind_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    Vocabulary(TOKENS.vocabulary.tokens[:-1]).save(folder / "vocabulary.json")
    resign(folder)
    with pytest.raises(ModelError, match="the network knows 576 tokens, the vocabulary 575"):
        load_multimodal(folder)
    card = json.loads((folder / "retort.json").read_text("utf-8"))
    (folder / "retort.json").write_text(json.dumps({**card, "kind": "graph_encoder"}), "utf-8")
    with pytest.raises(ModelError, match="not a multimodal model"):
        load_multimodal(folder)


WORDS = ["<unk>", "</s>", "Question:", "Answer:", "What", "is", "this?", "C", "O", ".", "ethanol"]


def foreign() -> ForeignTokens:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return ForeignTokens(PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>"))


def test_a_foreign_tokenizer_travels_with_the_model(tmp_path: Path) -> None:
    tokens, template = foreign(), words_template("</s>")
    turns = (Turn("user", f"<text>What is this?</text>{MOLECULE}"), Turn("assistant", "<text>ethanol</text>"))
    encoded = encode_dialogue(Dialogue(turns, ("CCO",)), template, tokens)
    assert [WORDS[i] if i >= 0 else MOLECULE for i in encoded.ids] == [
        *("Question:", "What", "is", "this?"),
        *(MOLECULE, "Answer:", "ethanol", "</s>"),
    ]
    assert [i for i, learned in zip(encoded.ids, encoded.learned, strict=True) if learned] == [10, 1]
    net = model("llama")
    made = replace(collator(), pad_id=tokens.pad_id).causal([encoded])
    save_multimodal(tmp_path / "model", net, tokens, template, {})
    stored = load_multimodal(tmp_path / "model")
    assert isinstance(stored.tokens, ForeignTokens)
    assert encode_dialogue(Dialogue(turns, ("CCO",)), stored.template, stored.tokens) == encoded
    with torch.no_grad():
        assert torch.equal(stored.model.logits(made), net.logits(made))


def test_a_row_cannot_speak_a_foreign_tokenizers_special_tokens() -> None:
    tokens = foreign()
    assert tokens.eos_id in tokens.encode_piece("C </s>", trusted=True)
    with pytest.raises(DataError, match="own token for the end"):
        tokens.encode_piece("C </s>", trusted=False)
    tokenizer = tokens.tokenizer
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end-of-text token"):
        ForeignTokens(tokenizer)


def test_a_vocabulary_is_not_a_tokenizer() -> None:
    assert isinstance(TOKENS, VocabularyTokens)
    with pytest.raises(ModelError, match="cannot read a tokenizer"):
        ForeignTokens.load(Path("no such folder"))
