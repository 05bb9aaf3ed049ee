"""Write the answers of a long batch so that a kill, a full disk or Ctrl-C loses no finished row.

Beside the output stands ``<output>.progress.json``: the settings of the run, and how many rows and bytes of the
output are complete. It is replaced after every chunk. A run that is started again with the same settings cuts off
whatever was written after the last complete chunk and goes on there, so no row is lost, repeated or out of order.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from retort.errors import OutputError, UsageError

FORMAT, VERSION = "retort-progress", 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come.

    Attributes:
        settings: What the answers depend on: task, model, options, checksum of the input.
        of: Number of rows of the input.
        rows: Rows written.
        size: Bytes of the output that hold complete rows.
        unanswered: Rows among them whose status is not ``ok``.
    """

    settings: Mapping[str, Any]
    of: int
    rows: int = 0
    size: int = 0
    unanswered: int = 0

    @property
    def complete(self) -> bool:
        """Every row is written."""
        return self.rows == self.of


class ResultFile:
    """An output file that grows by whole chunks; see the module's docstring.

    Args:
        path: The output. What is no regular file (a pipe, a device) is written without a progress file.
        settings: Compared with those of an earlier run into the same file.
        of: Number of rows to be written.
        opening: Text of a new file before its first row, e.g. a CSV header.

    Raises:
        UsageError: The output exists and is not the beginning of this very batch.
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], of: int, opening: str = "") -> None:
        self._path = path
        self._ledger = path.with_name(path.name + ".progress.json")
        self._special = path.exists() and not path.is_file()
        self.progress = Progress(settings, of) if self._special else self._resumed(Progress(settings, of))
        if self.progress.complete:
            return
        if self.progress.size == 0:
            self._save(self.progress)
            self._write("wb", opening.encode())
            self._save(replace(self.progress, size=len(opening.encode())))
        else:
            self._guard(lambda: os.truncate(path, self.progress.size))

    def append(self, text: str, rows: int, unanswered: int) -> None:
        """Write a chunk of complete rows.

        Raises:
            OutputError: It could not be written; what was written before stays valid.
        """
        data = text.encode("utf-8", "backslashreplace")  # a query may hold bytes that were no text
        self._write("ab", data)
        done = self.progress
        self._save(
            replace(done, rows=done.rows + rows, size=done.size + len(data), unanswered=done.unanswered + unanswered)
        )

    def _write(self, mode: str, data: bytes) -> None:
        def write() -> None:
            with self._path.open(mode) as file:
                file.write(data)
                file.flush()
                if not self._special:
                    os.fsync(file.fileno())

        try:
            self._guard(write)
        except OutputError:
            if not self._special and self._path.exists():
                with contextlib.suppress(OSError):  # the first failure is the one to report
                    os.truncate(self._path, self.progress.size)
            raise

    def _save(self, progress: Progress) -> None:
        if not self._special:
            text = json.dumps({"format": FORMAT, "version": VERSION, **asdict(progress)}, indent=1)
            self._guard(lambda: _replace_file(self._ledger, text))
        self.progress = progress

    def _resumed(self, fresh: Progress) -> Progress:
        """Return how far an earlier run of the same batch came; refuse the file of another one."""
        if not self._path.exists() or self._path.stat().st_size == 0:
            return fresh
        try:
            values = json.loads(self._ledger.read_text("utf-8"))
            known = values.pop("format") == FORMAT and values.pop("version") == VERSION
            found = Progress(**values) if known else None
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if found is None:
            raise UsageError(
                f"{str(self._path)!r} exists and is not an unfinished batch of this command.",
                "Choose another output, or delete it.",
            )
        self._refuse_other(found, fresh)
        return found

    def _refuse_other(self, found: Progress, fresh: Progress) -> None:
        for key in (*fresh.settings, *found.settings):
            old, new = found.settings.get(key), fresh.settings.get(key)
            if old != new:
                raise UsageError(
                    f"{str(self._path)!r} was written with {key} {_short(old)}, not {_short(new)}.",
                    "Choose another output, delete it, or repeat the options of the first run.",
                )
        if self._path.stat().st_size < found.size:
            raise UsageError(
                f"{str(self._path)!r} is shorter than the {found.rows} rows that were written.",
                "Delete it to start anew.",
            )

    def _guard(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            raise OutputError(
                f"cannot write {str(self._path)!r}: {error.strerror or error}.",
                f"{self.progress.rows} of {self.progress.of} rows are kept; run the command again to go on.",
            ) from error


def _replace_file(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:16]}..."
