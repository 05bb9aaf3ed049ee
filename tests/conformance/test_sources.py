"""What every source must say about itself, and that its files are what it says."""

import re
from itertools import islice
from pathlib import Path

import pytest

from retort.data.source import SOURCES, Source
from retort.errors import DataError

NAMES = SOURCES.names()


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES.get(request.param)


def test_all_sources_are_found() -> None:
    assert len(NAMES) >= 5
    assert {"uspto_50k", "uspto_mit", "uspto_full"} <= set(NAMES)


def test_the_card_is_complete(source: Source) -> None:
    assert SOURCES.get(source.name) is source
    assert source.title
    assert source.origin
    assert source.licence
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in source.files.values())
    assert not any(Path(name).is_absolute() for name in source.files)


def test_an_absent_source_says_where_to_put_it(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    assert source.where() is None
    with pytest.raises(DataError, match=source.name) as caught:
        source.root()
    assert "RETORT_DATA" in caught.value.hint


def test_the_first_rows_are_rows(source: Source, data_root: Path) -> None:
    if not source.files:
        pytest.skip(f"{source.name} reads a user's own file")
    rows = list(islice(source.read(data_root), 50))
    assert len(rows) == 50
    assert len({row.id for row in rows}) == 50
    assert all(row.split in {"train", "valid", "test", "all"} for row in rows)
    assert all(row.reaction.count(">") - row.reaction.count("->") == 2 for row in rows)
