"""Add proposers and tasks to a model folder, with what was measured, and leave what it has as it is.

``python -m retort.recipes.extend CONFIG.toml [key=value ...]``. The whole folder is copied and sealed anew.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from retort.config import load, option
from retort.errors import ConfigError, DataError
from retort.inference.model_folder import CARD, ModelFolder, seal
from retort.models.checkpoint import replacing
from retort.recipes.card import Card, CardChange
from retort.recipes.card_page import write_card
from retort.recipes.entry import run_with_config
from retort.recipes.release import ENVIRONMENTS, ProposerChoice, TaskChoice, add_proposer, add_task

_PARTS = ("seen", "reranker", "calibration")  # files that one task alone has


@dataclass(frozen=True)
class ExtendConfig:
    """What is added to a model folder."""

    model: str = option(help="embedded model or model folder to begin with")
    output: Path = option(help="folder to write; an existing model folder is replaced, also the one begun with")
    release: str = option(help="version of the extended model")
    proposers: Mapping[str, ProposerChoice] = option(help="name -> proposer; one of the same name is replaced")
    tasks: Mapping[str, TaskChoice] = option(help="task name -> how it is answered; one of the same name is replaced")
    card: CardChange = option(help="what the card says anew", factory=CardChange)
    environments: Path | None = option(None, help="record of the atom environments of all training molecules")
    name: str | None = option(None, help="name of the extended model; the one begun with keeps its own")
    provenance: Mapping[str, Any] = option(help="what the provenance says more", factory=dict)


def extend(config: ExtendConfig, say: Callable[[str], None] = print) -> Path:
    """Write the extended model folder; return it.

    Raises:
        ConfigError: The output exists and is no model folder.
        ModelError: There is no such model, or the parts do not fit.
        DataError: A file is missing or damaged.
    """
    if config.output.exists() and not (config.output / CARD).is_file():
        raise ConfigError(f"{str(config.output)!r} exists and is not a model folder.", "Choose another output.")
    model = ModelFolder.open(config.model)
    card = json.loads((model.path / CARD).read_text("utf-8"))
    with replacing(config.output) as folder:
        for name in model.card.files.keys() - _superseded(card["tasks"], config.tasks):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.file(name), folder / name)
        _remove_replaced(card["proposers"], config.proposers, folder)
        homes: dict[Path, str] = {}  # a language model that is asked in two ways is there once
        for name, proposer in config.proposers.items():
            homes.setdefault(proposer.path, _free(folder, name))
            card["proposers"][name] = add_proposer(name, proposer, folder, homes[proposer.path])
        for name, task in config.tasks.items():
            card["tasks"][name] = add_task(name, task, (), folder, say)
        if config.environments is not None:
            _add_environments(config.environments, folder)
            card["environments"] = ENVIRONMENTS
        kept = {key: value for key, value in card.items() if key not in ("format", "version", "files")}
        kept |= {"release": config.release, "name": config.name or kept["name"]}
        kept["provenance"] = {**(kept.get("provenance") or {}), **config.provenance}
        write_card(folder, kept, Card.load(model.path).changed(config.card))
        seal(folder, kept)
    return config.output


def _add_environments(file: Path, folder: Path) -> None:
    if not file.is_file():
        raise DataError(f"there is no {str(file)!r}.", "Write it with: python -m retort.recipes.known_environments.")
    (folder / ENVIRONMENTS).parent.mkdir(exist_ok=True)
    shutil.copyfile(file, folder / ENVIRONMENTS)


def _superseded(known: Mapping[str, Any], new: Mapping[str, TaskChoice]) -> set[str]:
    """Return the files that replaced tasks leave behind."""
    return {known[task][part] for task in new.keys() & known.keys() for part in _PARTS if known[task].get(part)}


def _free(folder: Path, name: str) -> str:
    """Return a name for the folder of a language model that no other one has."""
    names = chain([name], (f"{name}_{n}" for n in count(2)))
    return next(found for found in names if not (folder / found).exists())


def _remove_replaced(known: Mapping[str, Any], new: Mapping[str, ProposerChoice], folder: Path) -> None:
    """Remove the folders of replaced language models that no other proposer uses."""
    kept = {entry.get("folder") for name, entry in known.items() if name not in new}
    for name in new.keys() & known.keys():
        place = known[name].get("folder")
        if place and place not in kept:
            shutil.rmtree(folder / place, ignore_errors=True)


def _extend_file(path: Path, overrides: Sequence[str]) -> Path:
    return extend(load(ExtendConfig, path, overrides), say=lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_extend_file))
