"""What a stage must remember to go on exactly where it was cut off.

Rows are not remembered: they are drawn again from the same seed, and the batches that were learned are passed over.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from retort.errors import ModelError, OutputError
from retort.training.state import random_state, set_random_state


@dataclass
class Progress:
    """How far a stage has come.

    Attributes:
        places: Places seen, padding left out.
        losses: Train loss of each step, in nats per learned token.
        before: Kind -> held-out loss before the stage.
    """

    places: int = 0
    losses: list[float] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)


def remember(path: Path, stage: str, progress: Progress, model: Module, optimizer: Optimizer) -> None:
    """Write a file, whole or not at all.

    Args:
        path: The file.
        stage: What the stage is, as text; only the same goes on.
        progress: How far it has come.
        model: Its trained weights and buffers are kept; what is frozen comes from the folder the stage starts from.
        optimizer: Its moments are kept.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    state = {
        "stage": stage,
        "progress": asdict(progress),
        "weights": _kept(model),
        "optimizer": optimizer.state_dict(),
        "random": random_state(),
    }
    draft = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, draft)
        draft.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def recall(path: Path, stage: str, model: Module, optimizer: Optimizer) -> Progress:
    """Take a model, its optimiser and the random numbers back to what was remembered; return how far that is.

    Without a file nothing happens and the progress is none.

    Raises:
        ModelError: The file is damaged, or of another stage.
    """
    if not path.is_file():
        return Progress()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        same = state["stage"] == stage
        if same:
            model.load_state_dict(state["weights"], strict=False)
            optimizer.load_state_dict(state["optimizer"])
            progress = Progress(**state["progress"])
            set_random_state(state["random"])
            return progress
    except Exception as error:  # torch and zipfile raise many kinds for a damaged file
        raise ModelError(f"cannot go on from {str(path)!r}: {error}.", "Delete the file.") from error
    raise ModelError(f"{str(path)!r} is of another stage.", "Delete it, or use another output folder.")


def _kept(model: Module) -> Mapping[str, Tensor]:
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}
