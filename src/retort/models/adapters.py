"""What of a multimodal model is trained: four named policies, and low-rank adapters (LoRA, arXiv:2106.09685) by peft.

A policy's name says all: ``frozen`` trains nothing, ``projector`` what stands between molecules and language model,
``adapters`` that and low-rank adapters of the language model, ``all`` that and the language model itself. The encoders
of molecules stay as they are, as in PRESTO, unless ``encoders`` asks for them too.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from retort.config import option
from retort.errors import ConfigError, MissingExtraError, ModelError
from retort.models.lora_settings import LoraSettings, Targets
from retort.models.multimodal import MultimodalModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PolicyName = Literal["frozen", "projector", "adapters", "all"]
_ADAPTER = "lora_"  # part of the name of every adapter weight
_ORIGINAL = ".base_layer."  # what peft puts into the name of a layer that has an adapter
_QUERY_AND_VALUE = (("q_proj", "v_proj"), ("q", "v"), ("query", "value"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What is trained."""

    name: PolicyName = option("projector", help="frozen, projector, adapters or all.")
    encoders: bool = option(False, help="Also train the encoders of molecules.")
    lora: LoraSettings = field(default_factory=LoraSettings, metadata={"help": "the adapters, where there are any"})

    def __post_init__(self) -> None:
        if self.name == "frozen" and self.encoders:
            raise ConfigError("the policy 'frozen' trains no encoders.", "Use 'projector', or encoders = false.")

    def prefixes(self) -> tuple[str, ...]:
        """Return how the names of trained parameters begin, adapters left aside."""
        if self.name == "frozen":
            return ()
        encoders = ("reader.graph_encoder.", "reader.conformer_encoder.") if self.encoders else ()
        projectors = ("reader.projector.", "reader.conformer_projector.")
        return (*projectors, *encoders, *(("network.",) if self.name == "all" else ()))


def apply_policy(model: MultimodalModel, policy: Policy) -> list[str]:
    """Let exactly the parameters of a policy be trained; return their names.

    Adapters are added where the policy wants them and there are none.

    Raises:
        ConfigError: It matches no parameter, or the model has adapters of another card.
    """
    if policy.name == "adapters" and not has_adapters(model.network):
        add_adapters(model.network, policy.lora)
    elif policy.name == "adapters" and model.network.retort_lora != policy.lora:
        raise ConfigError(
            f"the model has adapters of {model.network.retort_lora}, the policy wants {policy.lora}.",
            "Keep the settings, or merge the adapters first.",
        )
    prefixes = policy.prefixes()
    for name, parameter in model.named_parameters():
        chosen = name.startswith(prefixes) or (policy.name == "adapters" and _ADAPTER in name)
        parameter.requires_grad_(chosen and parameter.is_floating_point())
    names = trainable(model)
    if not names and policy.name != "frozen":
        raise ConfigError(f"the policy {policy.name!r} matches no parameter of the model.")
    return names


def trainable(model: nn.Module) -> list[str]:
    """Return the names of the parameters that are trained."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def has_adapters(network: nn.Module) -> bool:
    """Tell whether a language model has adapters."""
    return any(is_adapter(name) for name, _ in network.named_parameters())


def is_adapter(name: str) -> bool:
    """Tell whether a parameter of this name belongs to an adapter."""
    return _ADAPTER in name


def add_adapters(network: "PreTrainedModel", settings: LoraSettings) -> None:
    """Put fresh adapters, which change nothing yet, into a language model in place.

    Raises:
        ConfigError: The model has no layers of that kind.
        MissingExtraError: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtraError("training adapters", "train") from error
    card = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        bias="none",
        target_modules=sorted(_targets(network, settings.targets)),
    )
    inject_adapter_in_model(card, network)
    network.retort_lora = settings


def merge_adapters(network: "PreTrainedModel") -> None:
    """Fold adapters into the layers they belong to, in place; the model has none afterwards."""
    for name, module in list(network.named_modules()):
        if hasattr(module, "base_layer") and hasattr(module, "merge"):
            module.merge()
            parent = network.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], module.base_layer)


def merged(network: "PreTrainedModel") -> "PreTrainedModel":
    """Return the network without adapters: a copy with them folded in, or itself where it has none."""
    if not has_adapters(network):
        return network
    alone = copy.deepcopy(network)
    merge_adapters(alone)
    return alone


def adapter_state(network: "PreTrainedModel") -> dict[str, Tensor]:
    """Return the adapter weights by name."""
    return {name: tensor for name, tensor in network.state_dict().items() if _ADAPTER in name}


def base_state(network: "PreTrainedModel") -> dict[str, Tensor]:
    """Return the weights of the language model under the names they have without adapters."""
    kept = {name: tensor for name, tensor in network.state_dict().items() if _ADAPTER not in name}
    return {name.replace(_ORIGINAL, "."): tensor for name, tensor in kept.items()}


def load_adapters(network: "PreTrainedModel", settings: LoraSettings, state: dict[str, Tensor], where: str) -> None:
    """Put stored adapters into a language model in place; ``where`` names their origin in messages.

    Raises:
        ModelError: They do not fit.
    """
    add_adapters(network, settings)
    own = adapter_state(network)
    odd = sorted(
        (own.keys() ^ state.keys())
        | {name for name in own.keys() & state.keys() if own[name].shape != state[name].shape}
    )
    if odd:
        raise ModelError(f"{where}: {len(odd)} adapter weights do not fit the language model, e.g. {odd[0]}.")
    network.load_state_dict(state, strict=False)


def _targets(network: nn.Module, kind: Targets) -> set[str]:
    """Return the names of the linear layers that get an adapter.

    Raises:
        ConfigError: There are none of that kind.
    """
    head = network.get_output_embeddings()  # type: ignore[operator]
    linear = {name for name, module in _linear(network) if module is not head}
    if not linear:
        raise ConfigError(f"{type(network).__name__} has no linear layers for adapters.", "Use the policy 'all'.")
    if kind == "all_linear":
        return linear
    last = {name.rpartition(".")[2] for name in linear}
    pair = next((pair for pair in _QUERY_AND_VALUE if set(pair) <= last), None)
    if pair is None:
        raise ConfigError(f"adapters on 'qv' know none of the layers {_some(last)}.", "Use targets = 'all_linear'.")
    return {name for name in linear if name.rpartition(".")[2] in pair}


def _linear(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear))


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:6])
