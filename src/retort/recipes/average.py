"""Average the weights of checkpoints: ``python -m retort.recipes.average FOLDER... output=DIR``.

Weights of one run, or of runs that began at the same weights, lie in one basin; their mean is often better than each
(Izmailov et al., UAI 2018, arXiv:1803.05407). Needs what training needs: no RDKit, polars or pydantic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.config import as_dict, build, option
from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.recipes.entry import run

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class AverageConfig:
    """Checkpoints to average."""

    folders: tuple[Path, ...] = option(help="checkpoints; a folder of some, e.g. snapshots/, stands for them all")
    output: Path = option(help="folder to write, a checkpoint like the others")


def average(config: AverageConfig) -> Path:
    """Write the uniform mean of the weights of checkpoints, taken in fp32; return its folder.

    The card names the weights of every parent by checksum, and the tokens seen by the parent that has seen most.

    Raises:
        ConfigError: There is nothing to average.
        ModelError: A checkpoint is damaged, or is of another shape or vocabulary than the first.
    """
    folders = [found for folder in config.folders for found in _checkpoints(folder)]
    if not folders:
        raise ConfigError("there is no checkpoint to average.", "Name folders that training wrote.")
    first = checkpoint.load(folders[0])
    total = {name: weight.double() for name, weight in first.network.state_dict().items()}
    for folder in folders[1:]:
        stored = checkpoint.load(folder)
        if stored.vocabulary.tokens != first.vocabulary.tokens:
            raise ModelError(f"{str(folder)!r} has another vocabulary than {str(folders[0])!r}.")
        _add(total, stored.network, folder)
    first.network.load_state_dict({name: weight / len(folders) for name, weight in total.items()})
    checkpoint.save(config.output, first.network, first.vocabulary, _card(config, first.card, folders))
    return config.output


def _checkpoints(folder: Path) -> list[Path]:
    if (folder / checkpoint.CARD).is_file():
        return [folder]
    return sorted(card.parent for card in folder.glob(f"*/{checkpoint.CARD}") if not card.parent.name.startswith("."))


def _add(total: dict[str, Any], network: "PreTrainedModel", folder: Path) -> None:
    weights = network.state_dict()
    if {name: w.shape for name, w in weights.items()} != {name: w.shape for name, w in total.items()}:
        raise ModelError(f"the weights of {str(folder)!r} have other names or shapes than those of the first.")
    for name, weight in weights.items():
        total[name] += weight


def _card(config: AverageConfig, first: Any, folders: Sequence[Path]) -> dict[str, Any]:
    cards = [checkpoint.read_card(folder) for folder in folders]
    tokens = [checkpoint.tokens_total(folder) for folder in folders]
    known = [count for count in tokens if count is not None]
    steps = [card.get("position", {}).get("step") for card in cards]
    parents = [checkpoint.weights_sha256(folder) for folder in folders]
    return {
        "config": {**first["config"], "average": as_dict(config)},
        "parents": parents,
        "averaged": [{"weights_sha256": p, "step": s} for p, s in zip(parents, steps, strict=True)],
        "prepared": first.get("prepared", {}),
        "tokens_total": max(known) if len(known) == len(tokens) else None,
        "tasks": list(first.get("metrics", {}).get("tasks", {})),
        "metrics": {},  # those of the parents are not those of the mean
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run(_from_words, "FOLDER... output=DIR", 2, arguments)


def _from_words(words: Sequence[str]) -> Path:
    outputs = [word.removeprefix("output=") for word in words if word.startswith("output=")]
    if len(outputs) != 1:
        raise ConfigError("give output=DIR once.")
    folders = [word for word in words if not word.startswith("output=")]
    return average(build(AverageConfig, {"folders": folders, "output": outputs[0]}, "the command line"))


if __name__ == "__main__":
    raise SystemExit(main())
