"""Train whatever a configuration describes: its key ``recipe`` names how.

Without that key, a configuration with ``steps`` is a programme, one that names a ``task`` trains a ranker, and every
other a language model.
"""

from collections.abc import Sequence
from pathlib import Path

from retort.config import read_values
from retort.errors import MissingExtraError, UnknownNameError
from retort.recipes.steps import RECIPES

PROGRAMME = "programme"
TRAINED = (PROGRAMME, *(name for name in RECIPES if name.startswith("train")))


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
    values = read_values(path, overrides)
    recipe = values.pop("recipe", PROGRAMME if "steps" in values else "train_ranker" if "task" in values else "train")
    if recipe not in TRAINED:
        raise UnknownNameError("recipe", str(recipe), TRAINED)
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    if recipe == PROGRAMME:
        from retort.recipes.programme import run_file

        return run_file(path, overrides)
    return RECIPES[recipe].run(values, str(path))
