"""What the training of a ranker may be told; apart from the loop, so that reading it needs no torch."""

from dataclasses import dataclass

from retort.config import option


@dataclass(frozen=True, slots=True)
class RankerTraining:
    """How a ranker is trained."""

    hidden: int = option(512, help="Width of the hidden layer.")
    dropout: float = option(0.4, help="Share of hidden units dropped, 0..1.")
    epochs: int = option(10, help="Passes over the rows.")
    batch_size: int = option(512, help="Rows of a step.")
    learning_rate: float = option(1e-3, help="Peak of AdamW; 5 % of the steps warm up, then it falls linearly to 0.")
    weight_decay: float = option(0.01, help="Decoupled weight decay.")
    head: int = option(1500, help="The most frequent classes, scored in every step.")
    tail: int = option(500, help="Rarer classes drawn for each step.")
    seed: int = option(20, help="Seed of weights, order and draws.")
