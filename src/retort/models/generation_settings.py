"""What the continuation of texts may be told; apart from :mod:`retort.models.generation`, so that it needs no torch."""

from dataclasses import dataclass
from typing import Literal

from retort.config import option
from retort.errors import ConfigError


@dataclass(frozen=True)
class Decoding:
    """How texts are continued."""

    max_new_tokens: int = option(128, help="most tokens of an answer")
    max_prompt_tokens: int | None = option(None, help="most tokens of a prompt; by default what the model leaves")
    temperature: float = option(0.0, help="0 takes the likeliest token; above, tokens are drawn")
    top_p: float = option(1.0, help="draw among the likeliest tokens that have this much probability together")
    seed: int = option(0, help="seed of the draws; each repeat adds its number")
    batch_size: int = option(8, help="prompts that are continued together; changes no greedy answer")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    precision: Literal["auto", "fp32", "bf16"] = option("auto", help="arithmetic; auto takes bf16 on CUDA")

    def __post_init__(self) -> None:
        if min(self.max_new_tokens, self.batch_size, self.max_prompt_tokens or 1) < 1:
            raise ConfigError("max_new_tokens, max_prompt_tokens and batch_size are at least 1.")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ConfigError(f"temperature {self.temperature:g} and top_p {self.top_p:g} give no distribution.")

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature == 0
