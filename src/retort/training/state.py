"""What a run must remember to go on exactly where it stopped."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from retort.errors import ModelError

STATE = "state.pt"


@dataclass(slots=True)
class Position:
    """Where a run stands.

    Attributes:
        epoch: Passes over the rows completed.
        batch: Batches of the present epoch completed.
        step: Optimiser steps taken.
        tokens: Source and target tokens seen, without padding.
        seconds: Training time, evaluations and earlier parts of a resumed run included.
        best_loss: Lowest validation loss so far, in nats per token.
        stale: Evaluations since then.
        next_evaluation: Tokens at which the next evaluation is due.
        evaluated_step: Step of the last evaluation.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_loss: float = float("inf")
    stale: int = 0
    next_evaluation: int = 0
    evaluated_step: int = -1


def write_state(folder: Path, position: Position, optimizer: dict[str, Any], average: dict[str, object]) -> None:
    """Write position, optimiser, averaged weights and random generators into a folder."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    state = {
        "position": asdict(position),
        "optimizer": optimizer,
        "average": average,
        "random": {"cpu": torch.get_rng_state(), "cuda": cuda},
    }
    torch.save(state, folder / STATE)


def read_state(folder: Path) -> tuple[Position, dict[str, Any], dict[str, Any]]:
    """Return ``(position, optimiser state, average)`` and set the random generators.

    Raises:
        ModelError: The state is absent or damaged.
    """
    try:
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
        position = Position(**state["position"])
        torch.set_rng_state(state["random"]["cpu"])
        if torch.cuda.is_available() and state["random"]["cuda"]:
            torch.cuda.set_rng_state_all(state["random"]["cuda"])
        return position, state["optimizer"], state["average"]
    except Exception as error:  # torch and zipfile raise many kinds for a damaged file
        raise ModelError(
            f"cannot resume from {str(folder)!r}: {error}.", "Delete the folder or set training.resume=false."
        ) from error
