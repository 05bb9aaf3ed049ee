"""The optimiser, its learning rate, and averaged weights."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from retort.errors import ConfigError
from retort.models.adapters import has_adapters, is_adapter
from retort.training.config import TrainingConfig
from retort.training.muon import Muon


def learning_rate(config: TrainingConfig, *, tokens: int, progress: float) -> float:
    """Return the learning rate of the next step: warm-up by tokens, then stable, then decay by progress.

    The decay is ``1 - sqrt`` (Hägele et al., NeurIPS 2024, arXiv:2405.18392). The value depends on the present budget
    only, so a run that is resumed with a larger budget goes back to the stable phase (Wen et al., arXiv:2410.05192).

    ``tokens`` is what has been seen so far, ``progress`` the share of the run that is done, 0..1.
    """
    rise = min(1.0, (tokens + 1) / config.warmup_tokens) if config.warmup_tokens else 1.0
    into_decay = (progress - (1 - config.decay_fraction)) / config.decay_fraction if config.decay_fraction else 0.0
    return config.peak_learning_rate * rise * (1 - math.sqrt(min(1.0, max(0.0, into_decay))))


def progress(config: TrainingConfig, *, tokens: int, seconds: float) -> float:
    """Return the share of the run that is done, 0..1: by tokens or by time, whichever is further."""
    by_tokens = tokens / config.total_tokens if config.total_tokens else 0.0
    by_time = seconds / (60 * config.budget_minutes) if config.budget_minutes else 0.0
    return min(1.0, max(by_tokens, by_time))


def freeze(model: nn.Module, prefixes: Sequence[str]) -> None:
    """Exclude parameters from training by the start of their name; of a network with adapters, only these are trained.

    Raises:
        ConfigError: A prefix fits no parameter, or nothing is left to train.
    """
    names = [name for name, _ in model.named_parameters()]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            raise ConfigError(f"training.freeze: no parameter starts with {prefix!r}.", f"One is {names[0]!r}.")
    adapted = has_adapters(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.startswith(tuple(prefixes)) and (not adapted or is_adapter(name))
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("training.freeze leaves nothing to train.")


class MuonWithAdamW:
    """Muon for matrices and AdamW for the rest, as one optimiser.

    Attributes:
        parts: The two, Muon first.
    """

    def __init__(self, muon: Muon, adamw: torch.optim.AdamW) -> None:
        self.parts: tuple[torch.optim.Optimizer, ...] = (muon, adamw)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both."""
        return [group for part in self.parts for group in part.param_groups]

    def step(self) -> None:
        """Take a step of both."""
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        """Forget the gradients of both."""
        for part in self.parts:
            part.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state of both."""
        for part, stored in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(stored)


Optimizer = torch.optim.AdamW | MuonWithAdamW


def build_optimizer(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """Return the optimiser over the trainable parameters; only matrices other than embeddings and head decay.

    AdamW moves every parameter by about the learning rate per step, whatever its size. Token embeddings of T5 are of
    size 1 and position biases must grow to several units, which takes thousands of steps at the rate of the matrices;
    so both may have rates of their own, in the spirit of the parameter scaling of Adafactor (Shazeer and Stern,
    arXiv:1804.04235), with which T5 was trained. Every group carries its multiple of the learning rate as ``rate``.

    T5 does not divide attention scores by the root of the heads' width; its query matrices start smaller by that
    factor instead. Moved at the rate of other matrices, they make scores grow that much faster, so they have a rate of
    their own too.

    Muon, where it is asked for, takes the hidden matrices; embeddings, an untied head, position biases and vectors stay
    with AdamW. Its updates have AdamW's size, so the learning rate and the weight decay mean the same for both.
    """
    groups = _groups(model, config)
    rate, betas = config.peak_learning_rate, (config.beta1, config.beta2)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=True)
    hidden = [group for group in groups if group["hidden"]]
    others = [group for group in groups if not group["hidden"]]
    if not hidden or not others:
        raise ConfigError(
            "training.optimizer 'muon' needs trainable matrices and other trainable parameters.",
            "Freeze less, or use 'adamw'.",
        )
    return MuonWithAdamW(Muon(hidden, lr=rate), torch.optim.AdamW(others, lr=rate, betas=betas, fused=True))


def _groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return parameter groups by ``(hidden matrix or not, multiple of the rate, decay)``."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    matrices, others = (True, 1.0, config.weight_decay), (False, 1.0, 0.0)
    members: dict[tuple[bool, float, float], list[nn.Parameter]] = {matrices: [], others: []}
    for name, parameter in model.named_parameters():
        if "relative_attention_bias" in name:
            kind = (False, config.position_rate, 0.0)
        elif id(parameter) in embeddings or "lm_head" in name:
            kind = (False, config.embedding_rate, 0.0)
        elif f".{name}".endswith(".q.weight"):
            kind = (True, config.query_rate, config.weight_decay)
        else:
            kind = matrices if parameter.ndim == 2 else others
        if parameter.requires_grad:
            members.setdefault(kind, []).append(parameter)
    return [
        {"params": group, "rate": rate, "weight_decay": decay, "hidden": hidden}
        for (hidden, rate, decay), group in members.items()
        if group
    ]


class Average:
    """Exponential moving average of trainable weights: ``average = decay * average + (1 - decay) * weights``.

    The decay of step ``n`` (from 1) is at most ``(1 + n) / (10 + n)``, so that the start is forgotten early.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._live = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.decay = decay
        self.steps = 0
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the present weights by one step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        live = [p.detach() for p in self._live.values()]
        torch._foreach_lerp_(list(self.weights.values()), live, 1 - decay)

    @contextmanager
    @torch.no_grad()
    def applied(self) -> Iterator[None]:
        """Let the model hold the averaged weights within the block, and the present ones after it."""
        kept = {name: p.detach().clone() for name, p in self._live.items()}
        self._copy(self.weights)
        try:
            yield
        finally:
            self._copy(kept)

    @torch.no_grad()
    def _copy(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self._live.items():
            parameter.copy_(weights[name])

    def state(self) -> dict[str, object]:
        """Return what :meth:`restore` needs."""
        return {"steps": self.steps, "weights": self.weights}

    @torch.no_grad()
    def restore(self, state: Mapping[str, object]) -> None:
        """Take up a stored average."""
        weights, steps = state["weights"], state["steps"]
        assert isinstance(weights, dict)
        assert isinstance(steps, int)
        self.steps = steps
        for name, weight in self.weights.items():
            weight.copy_(weights[name])
