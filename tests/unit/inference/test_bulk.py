"""A result file survives a kill, a full disk and a change of mind."""

import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retort.errors import OutputError, UsageError
from retort.inference.bulk import ResultFile

SETTINGS = {"task": "retrosynthesis", "top_k": 10, "input": "abc"}


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Let every write beyond a file size fail, as on a full disk (EFBIG in place of ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_chunks_follow_each_other_and_the_end_is_known(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    file = ResultFile(path, SETTINGS, 3, "header\n")
    file.append("a\nb\n", 2, 1)
    assert not file.progress.complete
    file.append("c\n", 1, 1)
    assert file.progress.complete
    assert file.progress.unanswered == 2
    assert path.read_text() == "header\na\nb\nc\n"


@pytest.mark.parametrize("torn", ["", "c", "c\nd\ne"])
def test_what_a_kill_left_behind_is_cut_off_and_written_again(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "out.csv"
    ResultFile(path, SETTINGS, 4, "header\n").append("a\nb\n", 2, 0)
    with path.open("a") as file:
        file.write(torn)
    again = ResultFile(path, SETTINGS, 4, "header\n")
    assert again.progress.rows == 2
    again.append("c\nd\n", 2, 0)
    assert path.read_text() == "header\na\nb\nc\nd\n"


def test_a_kill_before_the_first_chunk_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ResultFile(path, SETTINGS, 1)
    path.write_text("torn")
    again = ResultFile(path, SETTINGS, 1)
    again.append("a\n", 1, 0)
    assert path.read_text() == "a\n"


def test_a_finished_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ResultFile(path, SETTINGS, 1).append("a\n", 1, 1)
    before = path.stat().st_mtime_ns
    again = ResultFile(path, SETTINGS, 1)
    assert again.progress.complete
    assert again.progress.unanswered == 1
    assert (path.read_text(), path.stat().st_mtime_ns) == ("a\n", before)


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_other_settings_are_refused_by_name(tmp_path: Path, key: str) -> None:
    path = tmp_path / "out.jsonl"
    ResultFile(path, SETTINGS, 2).append("a\n", 1, 0)
    with pytest.raises(UsageError, match=f"written with {key} .*, not 'other'"):
        ResultFile(path, {**SETTINGS, key: "other"}, 2)
    assert path.read_text() == "a\n"


def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "thesis.csv"
    path.write_text("precious")
    with pytest.raises(UsageError, match="exists and is not an unfinished batch"):
        ResultFile(path, SETTINGS, 2)
    assert path.read_text() == "precious"


def test_a_damaged_progress_file_is_no_permission_to_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ResultFile(path, SETTINGS, 2).append("a\n", 1, 0)
    (tmp_path / "out.jsonl.progress.json").write_text("{")
    with pytest.raises(UsageError, match="exists"):
        ResultFile(path, SETTINGS, 2)


def test_an_output_that_lost_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ResultFile(path, SETTINGS, 3).append("a\nb\n", 2, 0)
    os.truncate(path, 2)
    with pytest.raises(UsageError, match="shorter than the 2 rows"):
        ResultFile(path, SETTINGS, 3)


def test_a_full_disk_keeps_what_was_written_and_the_batch_goes_on_later(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    file = ResultFile(path, SETTINGS, 2)
    file.append("a" * 3000 + "\n", 1, 0)
    with disk_of(4096), pytest.raises(OutputError, match=r"1 of 2 rows are kept.*again") as caught:
        file.append("b" * 3000 + "\n", 1, 0)
    assert str(path) in str(caught.value)
    assert path.read_text() == "a" * 3000 + "\n"
    again = ResultFile(path, SETTINGS, 2)
    assert again.progress.rows == 1
    again.append("b\n", 1, 0)
    assert path.read_text() == "a" * 3000 + "\nb\n"


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        ResultFile(tmp_path / "none" / "out.jsonl", SETTINGS, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_device_is_an_output_error_and_gets_no_progress_file() -> None:
    with pytest.raises(OutputError, match="No space left"):
        ResultFile(Path("/dev/full"), SETTINGS, 1, "header\n")
    assert not Path("/dev/full.progress.json").exists()


def test_the_progress_file_says_what_the_output_was_made_from(tmp_path: Path) -> None:
    ResultFile(tmp_path / "out.jsonl", SETTINGS, 1).append("a\n", 1, 0)
    stored = json.loads((tmp_path / "out.jsonl.progress.json").read_text())
    assert stored["settings"] == SETTINGS
    assert (stored["rows"], stored["of"], stored["size"]) == (1, 1, 2)
