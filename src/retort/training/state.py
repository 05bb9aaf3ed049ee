"""What a run must remember to go on exactly where it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from retort.errors import ModelError

STATE = "state.pt"
RandomState = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class FitResult:
    """How a run ended.

    Attributes:
        outcome: ``finished`` (its budget is used up), ``stale`` (patience ran out) or ``stopped`` (by a signal).
        folder: ``final/``, or ``last/`` of a stopped run.
    """

    outcome: Literal["finished", "stale", "stopped"]
    folder: Path
    position: Position


def random_state() -> RandomState:
    """Return the states of this process's generators: of the CPU, and of every CUDA device."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def write_state(
    folder: Path,
    position: Position,
    optimizer: dict[str, Any],
    average: dict[str, object],
    random: Sequence[RandomState],
    adapters: Mapping[str, torch.Tensor],
) -> None:
    """Write position, optimiser, averaged weights, generators of every process, and adapters into a folder."""
    state = {
        "position": asdict(position),
        "optimizer": optimizer,
        "average": average,
        "random": list(random),
        "adapters": dict(adapters),
    }
    torch.save(state, folder / STATE)


def read_state(folder: Path, *, rank: int = 0, processes: int = 1) -> tuple[Position, dict[str, Any], dict[str, Any]]:
    """Return ``(position, optimiser state, average)`` and set the random generators of this process.

    With another number of processes than wrote the state, the run goes on, but its dropout is another one.

    Raises:
        ModelError: The state is absent or damaged.
    """
    try:
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
        position = Position(**state["position"])
        random = state["random"] if isinstance(state["random"], list) else [state["random"]]
        if len(random) == processes:
            set_random_state(random[rank])
        else:
            torch.manual_seed(position.step * processes + rank)
        return position, state["optimizer"], state["average"]
    except Exception as error:  # torch and zipfile raise many kinds for a damaged file
        raise ModelError(
            f"cannot resume from {str(folder)!r}: {error}.", "Delete the folder or set training.resume=false."
        ) from error


def read_adapters(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the adapters of a run, by name; none where it had none. Raises as :func:`read_state`."""
    try:
        found = torch.load(folder / STATE, map_location="cpu", weights_only=True).get("adapters", {})
        return dict(found)
    except Exception as error:  # torch and zipfile raise many kinds for a damaged file
        raise ModelError(f"cannot resume from {str(folder)!r}: {error}.", "Delete the folder.") from error


def set_random_state(random: RandomState) -> None:
    """Set this process's generators to what :func:`random_state` returned."""
    torch.set_rng_state(random["cpu"])
    if torch.cuda.is_available() and random["cuda"]:
        torch.cuda.set_rng_state_all(random["cuda"])
