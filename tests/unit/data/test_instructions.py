"""The library that a data set's own instructions make."""

from pathlib import Path

import pytest

from retort.data.instructions import instruction_library
from retort.data.records import RawRow, TextRow
from retort.data.source import SOURCES
from retort.errors import DataError
from retort.prompting.template import own_library


def row(kind: str, instruction: str, split: str = "train") -> TextRow:
    return TextRow("a", split, kind, "C", "O", instruction)


def test_train_rows_alone_are_read() -> None:
    rows = [
        row("retrosynthesis", "Take it apart."),
        row("retrosynthesis", "Held out.", "test"),
        row("retrosynthesis", "Held out too.", "valid"),
        row("reagent prediction", "With  what?"),
        row("poetry", "Sing."),
        RawRow("b", "train", "C>>O"),
    ]
    library, left_out = instruction_library("planted", rows)
    assert [(t.task, t.text) for t in library.templates] == [
        ("reagent_prediction", "With what?"),
        ("retrosynthesis", "Take it apart."),
    ]
    assert left_out == {"poetry": 1, "without instruction": 1}


def test_a_source_without_instructions_is_refused() -> None:
    with pytest.raises(DataError, match="'planted' has no train row with an instruction"):
        instruction_library("planted", [RawRow("b", "train", "C>>O")])
    with pytest.raises(DataError, match="no row of task 'retrosynthesis' has an instruction"):
        instruction_library("planted", [row("retrosynthesis", ""), row("reagent prediction", "With what?")])


def test_the_published_set_has_its_wordings_and_none_is_ours(data_root: Path) -> None:
    source = SOURCES.get("mol_instructions")
    library, left_out = instruction_library("mol_instructions", source.read(source.root()))
    counts = {task: len(library.of(task)) for task in library.tasks}
    assert counts == {"forward_prediction": 12, "reagent_prediction": 12, "retrosynthesis": 15}
    assert left_out == {}
    plain = {template.text.lower().strip(".?") for template in library.templates}
    assert plain.isdisjoint(template.text.lower().strip(".?") for template in own_library().templates)
