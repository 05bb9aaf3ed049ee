"""A library of instructions from the rows of a data set: real wordings, by task, of train rows alone."""

from pathlib import Path

import pytest

from retort.data.source import SOURCES
from retort.errors import ConfigError
from retort.prompting.template import Library, own_library
from retort.recipes.instructions import InstructionsConfig, write_instructions

TASKS = ("forward_prediction", "retrosynthesis", "reagent_prediction")


def test_the_store_is_wider_than_this_packages_own(data_root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    path = write_instructions(InstructionsConfig(("mol_instructions",), tmp_path / "wide.json", TASKS), said.append)
    library = Library.load(path)
    assert len(library.templates) > len(own_library().only(*TASKS).templates) == 36
    assert set(library.tasks) == set(TASKS)
    rows = list(SOURCES.get("mol_instructions").read(data_root))
    theirs = {" ".join(row.instruction.split()) for row in rows if row.split == "train"}  # type: ignore[union-attr]
    added = {template.text for template in library.templates} - {t.text for t in own_library().templates}
    assert added <= theirs
    assert "36" not in said[0]


def test_nothing_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="would be empty"):
        InstructionsConfig((), tmp_path / "x.json", own=False)
