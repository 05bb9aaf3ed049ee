"""Elicit reaction types: rows -> vectors -> a grid of cells with self-feedback -> a choice -> frozen types.

``retort elicit CONFIG.toml [key=value ...]`` runs this. On a machine with torch and scikit-learn but neither RDKit nor
polars, ``python -m retort.recipes.elicit`` does the same with a folder that is prepared already. Every cell starts from
one encoder, kept in ``encoder/``. What is done is never done again: the same call goes on where it was cut off.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retort.config import as_dict, load
from retort.data.collate import PreparedFolder
from retort.elicitation.self_feedback import Encoder, Say
from retort.errors import ConfigError, MissingExtraError, ModelError
from retort.models import checkpoint
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.elicitation_config import ElicitConfig
from retort.recipes.elicitation_grid import Grid
from retort.recipes.entry import run_with_config
from retort.recipes.train import starting_network

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FORMAT, VERSION = "retort-cells", 1


def elicit(config: ElicitConfig, say: Say = print) -> Path:
    """Run the grid of every task and freeze the chosen types; return ``cells.json``.

    Raises:
        MissingExtraError: torch and its companions are not installed.
        DataError: The prepared folder is damaged, or its rows cannot be made into types.
        ConfigError: The output belongs to another configuration.
        ModelError: The checkpoint is damaged or does not fit the data.
    """
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("eliciting types", "train") from error
    if config.planted.rows and not (config.prepared / "manifest.json").exists():
        from retort.recipes.planted_folder import write_planted

        say(f"planting {config.planted.rows} reactions in {config.prepared}")
        write_planted(config.prepared, config.planted)
    if config.described.source and not (config.prepared / "manifest.json").exists():
        from retort.recipes.described_folder import write_described

        write_described(config.prepared, config.described, say)
    folder = PreparedFolder.open(config.prepared)
    vocabulary = Vocabulary.load(config.prepared / "vocabulary.json")
    if vocabulary.sha256 != folder.manifest["vocabulary_sha256"]:
        raise ModelError(f"the vocabulary of {str(config.prepared)!r} is not the one its manifest names.")
    start = _start(config, vocabulary)
    tasks = {task: Grid.prepare(config, folder, task, start, say).run() for task in config.tasks}
    path = config.output / "cells.json"
    content = {"format": FORMAT, "version": VERSION, "config": as_dict(config), "tasks": tasks}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, overrides: elicit(load(ElicitConfig, path, overrides)), arguments)


def _start(config: ElicitConfig, vocabulary: Vocabulary) -> "Encoder[PreTrainedModel]":
    """Return the encoder every cell starts from; made once, with the vocabulary of the data."""
    import torch
    from transformers.utils.logging import disable_progress_bar

    from retort.models.device import pick_device, set_threads

    set_threads(config.training.threads)
    disable_progress_bar()  # standard error is for our own words
    folder = config.output / "encoder"
    named = None if config.start_from is None else checkpoint.weights_sha256(config.start_from)
    origin = {"start_from": named, "seed": config.seed, "model": as_dict(config.model)}
    if not (folder / checkpoint.CARD).is_file():
        torch.manual_seed(config.seed)
        network, ancestry = starting_network(config.start_from, config.model, vocabulary)
        card = {"config": {"model": as_dict(config.model)}, **ancestry, "elicitation": origin}
        checkpoint.save(folder, network, vocabulary, card)
    stored = checkpoint.load(folder)
    if stored.card.get("elicitation") != origin or stored.vocabulary.sha256 != vocabulary.sha256:
        raise ConfigError(f"{str(folder)!r} is the encoder of another elicitation.", "Choose another output folder.")
    return Encoder(stored.network.to(pick_device(config.training.device)), folder)


if __name__ == "__main__":
    raise SystemExit(main())
