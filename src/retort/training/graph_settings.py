"""What the pretraining of a graph encoder may be told; apart from the loop, so that reading it needs no torch."""

from dataclasses import dataclass

from retort.config import option
from retort.errors import ConfigError


@dataclass(frozen=True, slots=True)
class GraphPretraining:
    """How a graph encoder learns from molecules alone: hidden atoms and hidden bonds are guessed."""

    atom_share: float = option(0.15, help="Share of atoms that are hidden and guessed, 0..1.")
    bond_share: float = option(0.15, help="Share of bonds that are hidden and guessed, 0..1; 0 guesses none.")
    epochs: int = option(10, help="Passes over the molecules.")
    batch_size: int = option(64, help="Molecules of a step.")
    learning_rate: float = option(1e-3, help="Peak of AdamW; 5 % of the steps warm up, then it falls linearly to 0.")
    weight_decay: float = option(0.01, help="Decoupled weight decay.")
    seed: int = option(0, help="Seed of weights, order and of what is hidden.")

    def __post_init__(self) -> None:
        if not (0 < self.atom_share < 1 and 0 <= self.bond_share < 1):
            raise ConfigError(
                f"shares of hidden atoms and bonds are {self.atom_share} and {self.bond_share}.",
                "Give the first above 0, both below 1.",
            )
        if self.epochs < 1 or self.batch_size < 1:
            raise ConfigError(f"{self.epochs} epochs of batches of {self.batch_size} molecules train nothing.")
