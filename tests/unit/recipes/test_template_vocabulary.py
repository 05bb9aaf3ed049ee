"""Templates are extracted once, kept, and their absence is explained."""

from pathlib import Path

import pytest

from retort.chem.templates import NoTemplate
from retort.errors import DataError
from retort.recipes.template_vocabulary import CACHE, extract_templates, frequent_classes, reasons

AMIDE = "[CH3:1][C:2](=[O:3])[OH:9].[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]"


def test_cache_is_read_back_unchanged(tmp_path: Path) -> None:
    said: list[str] = []
    first = extract_templates([AMIDE, "CCO", AMIDE], tmp_path, 1, said.append)
    again = extract_templates([AMIDE, "CCO"], tmp_path, 1, said.append)
    assert first == again
    assert isinstance(first[AMIDE], str)
    assert said == ["templates: 2 of 2 reactions"]


def test_missing_templates_are_counted_by_reason() -> None:
    found = [NoTemplate("a"), "smarts", NoTemplate("b"), NoTemplate("b")]
    assert list(reasons(found).items()) == [("b", 2), ("a", 1)]


def test_damaged_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / CACHE).write_text("nothing")
    with pytest.raises(DataError, match=CACHE):
        extract_templates([AMIDE], tmp_path, 1, print)


def test_classes_are_ordered_by_count_then_text() -> None:
    assert frequent_classes(["b", "a", "c", "a", "b", "d"], 1) == {"a": 2, "b": 2, "c": 1, "d": 1}
    assert frequent_classes(["b", "a", "a"], 2) == {"a": 2}
