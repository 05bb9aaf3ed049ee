"""Mapping by RXNMapper (Schwaller et al., Sci. Adv. 2021, 7, eabe4166), in a process of its own.

Its package needs other versions of other packages than this one, so the user names an interpreter that has it. The two
processes speak JSON lines; a child that dies, hangs or talks nonsense is an error at once, never a wait without end.
"""

import json
import queue
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from retort.chem.reaction import Reaction
from retort.data.aligner import Aligner, AlignerFactory, Means, same_molecules
from retort.errors import ConfigError, DataError

PROCESS = Path(__file__).with_name("_rxnmapper_process.py")
BATCH = 16  # reactions per line
START_TIMEOUT = 300.0  # seconds until the package is loaded
BATCH_TIMEOUT = 300.0  # seconds for one line
INSTALLATION = "Install rxnmapper, rdkit, 'transformers<5' and 'setuptools<81' for that interpreter."


class RxnMapper:
    """Maps reactions in a child process, which starts with the first call and ends with this object.

    Args:
        python: An interpreter that has the package rxnmapper.
        start_timeout: Seconds until it must have loaded.
        batch_timeout: Seconds within which it must answer one batch.
    """

    name = "rxnmapper"

    def __init__(
        self, python: Path, start_timeout: float = START_TIMEOUT, batch_timeout: float = BATCH_TIMEOUT
    ) -> None:
        self._python = python
        self._start_timeout = start_timeout
        self._batch_timeout = batch_timeout
        self._child: _Child | None = None

    def align(self, reactions: Sequence[Reaction]) -> list[str | None]:
        """Return mappings; None where rxnmapper has none or maps other molecules than the record's.

        Raises:
            DataError: The child process cannot start, dies, is silent for too long, or answers nonsense.
        """
        found: list[str | None] = []
        for start in range(0, len(reactions), BATCH):
            batch = reactions[start : start + BATCH]
            mapped = self._map([f"{'.'.join(r.reactants)}>>{'.'.join(r.products)}" for r in batch])
            found += [text and same_molecules(r, text) for r, text in zip(batch, mapped, strict=True)]
        return found

    def close(self) -> None:
        """End the child process; the next call starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _map(self, texts: list[str]) -> list[str | None]:
        try:
            if self._child is None:
                self._child = _Child(self._python)
                self._child.receive("ready", self._start_timeout)
            self._child.send({"reactions": texts})
            mapped = self._child.receive("mapped", self._batch_timeout)
        except DataError:
            self.close()
            raise
        if not isinstance(mapped, list) or len(mapped) != len(texts):
            self.close()
            raise DataError(f"rxnmapper answered {mapped!r} to {len(texts)} reactions.")
        return [text if isinstance(text, str) else None for text in mapped]


class _Child:
    """A process that answers lines with lines; a thread reads them, so that waiting can end."""

    def __init__(self, python: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the process
        try:
            self._process = subprocess.Popen(
                [str(python), str(PROCESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise DataError(
                f"cannot start {str(python)!r}: {error.strerror or error}.", "Set aligner_python to an interpreter."
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True)
        self._reader.start()
        self._finalizer = weakref.finalize(self, _end, self._process, self._reader, self._errors)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line; raises DataError where the process is gone."""
        try:
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()
        except OSError as error:
            raise self._died() from error

    def receive(self, key: str, timeout: float) -> Any:
        """Return what the next line holds under a key; raises DataError after ``timeout`` seconds or nonsense."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty as error:
            raise DataError(f"rxnmapper gave no answer within {timeout:g} s.", "Is its interpreter busy?") from error
        if not line:
            raise self._died()
        try:
            message = json.loads(line)
        except ValueError as error:
            raise DataError(f"rxnmapper answered {line[:200]!r}, which is not JSON.") from error
        if isinstance(message, dict) and key in message:
            return message[key]
        if isinstance(message, dict) and "error" in message:
            raise DataError(f"rxnmapper could not start: {message['error']}.", INSTALLATION)
        raise DataError(f"rxnmapper answered {line[:200]!r} instead of {key!r}.")

    def end(self) -> None:
        """Kill the process and let go of its pipes."""
        self._finalizer()

    def _died(self) -> DataError:
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return DataError(f"the process of rxnmapper ended with code {code}: {''.join(last) or 'it said nothing'}.")


def _read(stream: IO[bytes], lines: "queue.Queue[bytes]") -> None:
    """Pass lines on, and an empty one at the end."""
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _end(process: "subprocess.Popen[bytes]", reader: threading.Thread, errors: IO[bytes]) -> None:
    process.kill()
    process.wait()
    reader.join(timeout=5)
    if process.stdin is not None:
        with process.stdin:
            pass
    errors.close()


def _build(means: Means) -> Aligner:
    if means.python is None:
        raise ConfigError(
            "the aligner 'rxnmapper' needs aligner_python.", "Name an interpreter that has the package rxnmapper."
        )
    return RxnMapper(means.python)


ALIGNER: AlignerFactory = _build
