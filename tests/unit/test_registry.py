"""A folder is a registry: listing imports nothing, a look-up imports one file, mistakes are answered."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from retort.errors import UnknownNameError
from retort.registry import Registry

FOLDER = "registry_under_test"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[object]]:
    """Make a folder of two entries, a hidden module and a file that is none."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Entries."""\n')
    (folder / "_hidden.py").write_text("raise RuntimeError\n")
    (folder / "apple.py").write_text("class Entry:\n    aliases = ('fruit',)\nENTRY = Entry()\n")
    (folder / "brick.py").write_text("ENTRY = 'brick'\n")
    (folder / "notes.txt").write_text("no module\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("thing", FOLDER, "ENTRY")
    for name in [name for name in sys.modules if name.split(".")[0] == FOLDER]:
        del sys.modules[name]


def test_names_are_files_and_importing_is_not_needed(shelf: Registry[object], tmp_path: Path) -> None:
    (tmp_path / FOLDER / "crash.py").write_text("raise RuntimeError('imported')\n")
    assert shelf.names() == ["apple", "brick", "crash"]
    assert not [name for name in sys.modules if name.startswith(f"{FOLDER}.")]


def test_a_lookup_imports_one_file(shelf: Registry[object]) -> None:
    assert shelf.get("brick") == "brick"
    assert f"{FOLDER}.brick" in sys.modules
    assert f"{FOLDER}.apple" not in sys.modules


def test_aliases_find_their_entry(shelf: Registry[object]) -> None:
    assert shelf.get("fruit") is shelf.get("apple")


def test_unknown_names_are_answered(shelf: Registry[object]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown thing 'aple'\. Did you mean 'apple'"):
        shelf.get("aple")
    with pytest.raises(UnknownNameError, match="Did you mean 'fruit'"):
        shelf.get("fruits")
    with pytest.raises(UnknownNameError, match="_hidden"):
        shelf.get("_hidden")


def test_other_distributions_add_entries(shelf: Registry[object], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def installed(group: str) -> list[EntryPoint]:
        asked.append(group)
        return [EntryPoint("pi", "math:pi", group), EntryPoint("brick", "math:e", group)]

    monkeypatch.setattr("retort.registry.entry_points", installed)
    assert shelf.names() == ["apple", "brick", "pi"]
    assert shelf.get("pi") == pytest.approx(3.14159, abs=1e-5)
    assert shelf.get("brick") == "brick"  # the folder goes before a plug-in of the same name
    assert asked == ["retort.things"]
