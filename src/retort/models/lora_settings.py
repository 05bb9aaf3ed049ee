"""The card of low-rank adapters; apart from :mod:`retort.models.adapters`, so that it needs no torch."""

from dataclasses import dataclass
from typing import Literal

from retort.config import option
from retort.errors import ConfigError

Targets = Literal["all_linear", "qv"]


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """The card of low-rank adapters."""

    rank: int = option(64, help="Rank of each adapter.")
    alpha: float = option(16.0, help="Adapters are scaled by alpha / rank.")
    dropout: float = option(0.05, help="Dropout before each adapter, 0..1.")
    targets: Targets = option("all_linear", help="all_linear (every linear layer but the head) or qv.")

    def __post_init__(self) -> None:
        if self.rank < 1 or not 0 <= self.dropout < 1:
            raise ConfigError(f"adapters of rank {self.rank} with dropout {self.dropout} cannot be made.")
