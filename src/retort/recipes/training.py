"""Train whatever a configuration describes: its key ``recipe`` names how.

Without that key, a configuration that names one ``task`` trains a ranker, and every other a language model.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retort.config import apply_override, build
from retort.errors import ConfigError, InputFileError, MissingExtraError, UnknownNameError

RECIPES = ("train", "train_ranker")


def train_from(path: Path, overrides: Sequence[str] = ()) -> Path:
    """Run the training that a configuration file describes; return what it wrote.

    Args:
        path: The TOML file.
        overrides: ``key=value`` texts.

    Raises:
        InputFileError: The file is missing.
        ConfigError: It is not TOML, or a key or value does not fit.
        UnknownNameError: It names a recipe that does not exist.
        MissingExtraError: torch and its companions are not installed.
    """
    values = _read(path)
    for override in overrides:
        apply_override(values, override)
    recipe = values.pop("recipe", "train_ranker" if "task" in values else "train")
    if recipe not in RECIPES:
        raise UnknownNameError("recipe", str(recipe), RECIPES)
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    if recipe == "train_ranker":
        from retort.recipes.train_ranker import TrainRankerConfig, train_ranker

        return train_ranker(build(TrainRankerConfig, values, str(path)))
    from retort.recipes.train import TrainConfig, train

    return train(build(TrainConfig, values, str(path)))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputFileError(f"cannot read configuration {str(path)!r}: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
