"""What the training of a placer may be told; apart from the loop, so that reading it needs no torch."""

from dataclasses import dataclass
from typing import Literal

from retort.config import option


@dataclass(frozen=True, slots=True)
class PlacerTraining:
    """How a placer is trained."""

    epochs: int = option(12, help="Passes over the rows.")
    batch_size: int = option(64, help="Molecules of a step.")
    learning_rate: float = option(1e-3, help="Peak of AdamW; 5 % of the steps warm up, then it falls linearly to 0.")
    weight_decay: float = option(0.02, help="Decoupled weight decay of matrices.")
    dropout: float = option(0.1, help="Share of what each layer changes last dropped, 0..1.")
    clip_norm: float = option(1.0, help="Largest gradient norm.")
    precision: Literal["fp32", "bf16"] = option(
        "bf16", help="bf16 autocast, faster where the processor has it, or fp32."
    )
    device: Literal["cpu", "cuda"] = option("cpu", help="Where to compute.")
    max_minutes: float | None = option(None, help="End the epoch after which this time would be over; resumable.")
    seed: int = option(20, help="Seed of weights, order and dropout.")
