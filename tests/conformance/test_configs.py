"""Every shipped configuration fits a recipe: no unknown key, no value that does not fit."""

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import retort.recipes
from retort.config import build, describe, read_values
from retort.errors import ConfigError

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").rglob("*.toml"))


@pytest.fixture(scope="module")
def schemas() -> list[type[Any]]:
    """Return the dataclasses named ``...Config`` of all recipes."""
    names = [f"retort.recipes.{module.name}" for module in pkgutil.iter_modules(retort.recipes.__path__)]
    members = [member for name in names for member in vars(importlib.import_module(name)).values()]
    found = [m for m in members if isinstance(m, type) and dataclasses.is_dataclass(m)]
    return list({m for m in found if m.__name__.endswith("Config") and m.__module__ in names})


def fits(schema: type[Any], path: Path, *overrides: str) -> bool:
    values = read_values(path, overrides)
    values.pop("recipe", None)  # names the recipe where the keys do not tell
    try:
        build(schema, values, str(path))
    except ConfigError:
        return False
    return True


def test_all_configs_are_found() -> None:
    assert len(CONFIGS) >= 2


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_each_config_fits_exactly_one_recipe(path: Path, schemas: list[type[Any]]) -> None:
    assert len([schema.__name__ for schema in schemas if fits(schema, path)]) == 1


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_an_unknown_key_is_refused_everywhere(path: Path, schemas: list[type[Any]]) -> None:
    assert [schema.__name__ for schema in schemas if fits(schema, path, "no_such_key=1")] == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_each_config_says_what_it_is_for(path: Path) -> None:
    assert path.read_text("utf-8").startswith("# ")


def test_every_key_of_a_recipe_is_explained(schemas: list[type[Any]]) -> None:
    assert len(schemas) >= 3
    bare = [f"{schema.__name__}.{key}" for schema in schemas for key, _, words in describe(schema) if not words]
    assert bare == []
