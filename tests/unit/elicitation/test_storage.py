"""Files of arrays: whole or not at all, refused when damaged or of another version."""

from pathlib import Path

import numpy as np
import pytest

from retort.elicitation import storage
from retort.errors import ModelError, OutputError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_settings_and_arrays_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.npz"
    storage.write(path, "kind", 3, {"seed": 7, "name": "ä"}, ARRAYS)
    settings, arrays = storage.read(path, "kind", 3)
    assert settings == {"seed": 7, "name": "ä"}
    assert arrays["a"].tolist() == ARRAYS["a"].tolist()
    assert [p.name for p in path.parent.iterdir()] == ["file.npz"]


def test_equal_content_makes_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        storage.write(tmp_path / name, "kind", 1, {}, ARRAYS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("kind", "version"), [("other", 1), ("kind", 2)])
def test_another_kind_or_version_is_refused(tmp_path: Path, kind: str, version: int) -> None:
    storage.write(tmp_path / "a", kind, version, {}, ARRAYS)
    with pytest.raises(ModelError, match=f"'{kind}' version {version}, not 'kind' version 1"):
        storage.read(tmp_path / "a", "kind", 1)


def test_damaged_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(ModelError, match="cannot read"):
        storage.read(path, "kind", 1)
    storage.write(path, "kind", 1, {}, ARRAYS)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:60] + bytes(40) + whole[100:]):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="cannot read"):
            storage.read(path, "kind", 1)
    np.save(tmp_path / "b.npy", np.zeros(3))
    with pytest.raises(ModelError, match="cannot read"):
        storage.read(tmp_path / "b.npy", "kind", 1)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        storage.write(tmp_path / "file" / "a", "kind", 1, {}, ARRAYS)
