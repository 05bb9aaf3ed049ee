"""Policies: the exact set of what is trained; adapters begin as nothing, can be merged, and are refused where odd."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from retort.errors import ConfigError, ModelError
from retort.models.adapters import (
    Policy,
    adapter_state,
    add_adapters,
    apply_policy,
    base_state,
    has_adapters,
    load_adapters,
    merge_adapters,
    trainable,
)
from retort.models.causal import CausalConfig, build_causal
from retort.models.conformer_encoder import ConformerEncoderConfig
from retort.models.lora_settings import LoraSettings
from retort.models.molecule_reader import ShapeConfig
from retort.models.multimodal import MultimodalModel

from .multimodal_cases import FAMILIES, READER, ROWS, batch, model

LORA = LoraSettings(rank=2, alpha=4, dropout=0.0)
QV = replace(LORA, targets="qv")
TINY = CausalConfig(vocabulary_size=40, width=16, inner_width=16, layers=1, heads=2, key_value_heads=2, positions=32)
PROJECTOR = {"reader.projector.layers.0.weight", "reader.projector.layers.0.bias"} | {
    "reader.projector.layers.2.weight",
    "reader.projector.layers.2.bias",
}
ATTENTION = [f"self_attn.{name}_proj" for name in "qkv"]
LAYERS = {  # linear layers of one block, as Hugging Face names them
    "llama": [*ATTENTION, "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
    "phi": [*ATTENTION, "self_attn.dense", "mlp.fc1", "mlp.fc2"],
}
LAYERS |= {"mistral": LAYERS["llama"], "qwen2": LAYERS["llama"]}


def adapters_of(layers: list[str]) -> set[str]:
    sides = ("lora_A", "lora_B")
    return {f"network.model.layers.{n}.{layer}.{s}.default.weight" for n in (0, 1) for layer in layers for s in sides}


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_trains_nothing(family: str) -> None:
    net = model(family)
    assert apply_policy(net, Policy("frozen")) == [] == trainable(net)


@pytest.mark.parametrize("family", FAMILIES)
def test_projector_trains_the_projector(family: str) -> None:
    assert set(apply_policy(model(family), Policy("projector"))) == PROJECTOR


@pytest.mark.parametrize("family", FAMILIES)
def test_all_trains_language_model_and_projector(family: str) -> None:
    net = model(family)
    assert set(apply_policy(net, Policy("all"))) == PROJECTOR | {
        f"network.{n}" for n, _ in net.network.named_parameters()
    }


@pytest.mark.parametrize("family", sorted(LAYERS))
def test_adapters_stand_on_every_linear_layer_but_the_head(family: str) -> None:
    assert set(apply_policy(model(family), Policy("adapters", lora=LORA))) == PROJECTOR | adapters_of(LAYERS[family])


@pytest.mark.parametrize("family", sorted(LAYERS))
def test_adapters_on_queries_and_values(family: str) -> None:
    expected = PROJECTOR | adapters_of(["self_attn.q_proj", "self_attn.v_proj"])
    assert set(apply_policy(model(family), Policy("adapters", lora=QV))) == expected


def test_adapters_of_an_encoder_decoder() -> None:
    found = set(apply_policy(model("t5"), Policy("adapters", lora=QV))) - PROJECTOR
    assert all(".q.lora_" in name or ".v.lora_" in name for name in found)
    assert len(found) == 2 * 2 * (2 + 2 * 2)  # A and B of q and v; one attention per encoder, two per decoder layer


def test_encoders_are_trained_where_it_is_said() -> None:
    net = model("llama")
    encoder = {f"reader.graph_encoder.{name}" for name, _ in net.reader.graph_encoder.named_parameters()}
    assert set(apply_policy(net, Policy("projector", encoders=True))) == PROJECTOR | encoder
    with pytest.raises(ConfigError, match="'frozen' trains no encoders"):
        Policy("frozen", encoders=True)


def test_the_second_view_has_a_projector_and_an_encoder_too() -> None:
    shape = ShapeConfig(ConformerEncoderConfig(layers=1, width=8, basis=4))
    net = type(model("llama"))(model("llama").network, replace(READER, shape=shape))
    both = PROJECTOR | {name.replace("projector", "conformer_projector") for name in PROJECTOR}
    assert set(apply_policy(net, Policy("projector"))) == both
    more = set(apply_policy(net, Policy("projector", encoders=True)))
    assert {name.split(".")[1] for name in more - both} == {"graph_encoder", "conformer_encoder"}


def step(net: MultimodalModel) -> set[str]:
    """Take one step; return the names of parameters and statistics that moved."""
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net.train()
    net(batch(net, ROWS)).backward()
    torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.01).step()
    return {name for name, tensor in net.state_dict().items() if not torch.equal(before[name], tensor)}


@pytest.mark.parametrize("family", ["llama", "t5"])
@pytest.mark.parametrize("policy", [Policy("projector"), Policy("adapters", lora=LORA), Policy("all")])
def test_what_moves_is_what_the_policy_names(family: str, policy: Policy) -> None:
    """Statistics of a frozen encoder stay too; the second matrix of an adapter moves first, for it starts at zero."""
    net = model(family)
    names = set(apply_policy(net, policy))
    moved = step(net)
    tied = {"network.lm_head.weight", "network.encoder.embed_tokens.weight", "network.decoder.embed_tokens.weight"}
    assert moved - tied <= names
    still = names - moved
    assert all("lora_A" in name for name in still) or policy.name == "all"
    assert moved >= PROJECTOR


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_fresh_adapters_change_nothing_and_merging_keeps_what_they_say(family: str) -> None:
    net = model(family)
    made = batch(net, ROWS)
    plain, names = net.logits(made), dict(base_state(net.network))
    apply_policy(net, Policy("adapters", lora=LORA))
    assert torch.equal(net.logits(made), plain)
    assert base_state(net.network).keys() == names.keys()
    for name, tensor in adapter_state(net.network).items():
        nn.init.normal_(tensor, std=0.3, generator=torch.Generator().manual_seed(len(name)))
    adapted = net.logits(made)
    assert not torch.allclose(adapted, plain, atol=1e-2)
    merge_adapters(net.network)
    assert not has_adapters(net.network)
    assert net.network.state_dict().keys() == names.keys()
    assert torch.allclose(net.logits(made), adapted, atol=1e-3)


def test_stored_adapters_must_fit() -> None:
    source, target = model("llama"), model("llama")
    apply_policy(source, Policy("adapters", lora=QV))
    state = {name: torch.randn_like(tensor) for name, tensor in adapter_state(source.network).items()}
    with pytest.raises(ModelError, match="here: 20 adapter weights do not fit"):
        load_adapters(copy.deepcopy(target.network), LORA, state, "here")
    load_adapters(target.network, QV, state, "here")
    assert all(torch.equal(tensor, state[name]) for name, tensor in adapter_state(target.network).items())


def test_odd_wishes_are_refused() -> None:
    net = model("llama")
    apply_policy(net, Policy("adapters", lora=LORA))
    with pytest.raises(ConfigError, match="has adapters of"):
        apply_policy(net, Policy("adapters", lora=QV))
    with pytest.raises(ConfigError, match="rank 0"):
        LoraSettings(rank=0)
    fused = build_causal(replace(TINY, family="phi3"))
    with pytest.raises(ConfigError, match=r"know none of the layers .*qkv_proj"):
        add_adapters(fused, QV)
    without = build_causal(replace(TINY, family="gpt2"))  # its layers are convolutions of width one
    with pytest.raises(ConfigError, match="GPT2LMHeadModel has no linear layers"):
        add_adapters(without, LORA)
