"""The file that joins predicting and scoring: JSON Lines, one header, then one line for every row in input order.

Version 1, of molecules. Header: ``{"format": "retort-predictions", "version": 1, "task", "model", "top_k"}``. Row:
``{"index", "query", "target", "status", "message", "candidates": [{"smiles", "score", "proposer"}]}``; ``index``
counts from 0 without gaps. Version 2, of every other answer, adds ``"answer": "text" | "value"`` to the header, and
that is the key in the place of ``smiles``; a value comes with its ``interval``, two numbers or null. A row of either
version may have ``"raw"``, the text that its answer was read out of, so that it can be read again.

Lines are flushed as they are written, so a killed run loses at most the line it was writing; :func:`resume` cuts that
torn line off and tells where to go on. A name that ends in ``.xz`` is read compressed; files are written plain, because
a torn compressed file cannot be continued.
"""

import contextlib
import dataclasses
import json
import lzma
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TextIO, TypeVar, get_args

from retort.errors import DataError, InputFileError, OutputError, UsageError
from retort.prompting.task import AnswerKind

FORMAT: Final = "retort-predictions"
VERSIONS: Final = (1, 2)
Status = Literal["ok", "invalid_input", "no_answer"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Header:
    """What a file of predictions is about; two runs with different headers never share a file."""

    task: str
    model: str
    top_k: int
    answer: AnswerKind = "smiles"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ranked answer.

    Attributes:
        smiles: The answer as the proposer gave it.
        score: Length-normalised log-probability, or None where the proposer has none.
        proposer: Name of the proposer.
        text: The answer where it is a name or class.
        value: The answer where it is a number.
        interval: Of a number, its two ends.
    """

    smiles: str
    score: float | None
    proposer: str
    text: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row: a query, its target, and the ranked candidates, best first.

    Attributes:
        raw: What a language model wrote, whether an answer could be read out of it or not; None where answers are not
            read out of texts.
    """

    index: int
    query: str
    target: str
    status: Status
    message: str
    candidates: tuple[Candidate, ...]
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Predictions:
    """A whole file."""

    header: Header
    rows: tuple[Prediction, ...]


class PredictionWriter:
    """Appends rows to a file, one flushed line each; a context manager.

    Args:
        path: The file. Created with its header where it is missing or empty; otherwise rows are appended, so call
            :func:`resume` first.
        header: Written as the first line of a new file.

    Raises:
        OutputError: The file cannot be opened or written (no folder, no permission, disk full).
        UsageError: The name ends in ``.xz``.
    """

    def __init__(self, path: Path, header: Header) -> None:
        if path.suffix == ".xz":
            raise UsageError(f"cannot write {str(path)!r}: predictions are written plain.", "Compress the file later.")
        self._path = path
        self._kind = header.answer
        self._file: TextIO = _writing(path, lambda: path.open("a", encoding="utf-8", newline="\n"))
        if _writing(path, self._file.tell) == 0:
            self._line(_header_line(header))

    def write(self, row: Prediction) -> None:
        """Append one row and flush it; raises OutputError."""
        plain = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
        if row.raw is None:
            del plain["raw"]
        self._line(_json_line(plain | {"candidates": [_plain(c, self._kind) for c in row.candidates]}))

    def _line(self, text: str) -> None:
        _writing(self._path, lambda: self._file.write(text))
        _writing(self._path, self._file.flush)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            _writing(self._path, self._file.close)
            return
        with contextlib.suppress(OSError):  # the first failure is the one to report
            self._file.close()


def read(path: Path) -> Predictions:
    """Read a complete file.

    Raises:
        InputFileError: The file is missing or is not a file of predictions.
        DataError: A line is torn, a row is missing, out of order or damaged; the message names the line.
    """
    lines = _lines(path)
    header = _parse_header(path, next(lines, (1, b""))[1])
    rows = (_parse_row(path, number, line, number - 2, header.answer) for number, line in lines)
    return Predictions(header, tuple(rows))


def resume(path: Path, header: Header, inputs: Iterable[tuple[str, str]] | None = None) -> int:
    """Cut a torn last line off and return how many rows are complete; 0 where there is no file yet.

    Args:
        path: The file of the interrupted run.
        header: What the new run would write.
        inputs: ``(query, target)`` of the new run's rows in order; every kept row must agree with its input.

    Raises:
        UsageError: The file belongs to another task, model or top_k, is not a file of predictions, or was made from
            other input rows.
        DataError: A line before the last is damaged.
        OutputError: The torn line cannot be removed.
    """
    if not path.exists():
        return 0
    expected = None if inputs is None else iter(inputs)
    size = 0
    rows = 0
    for number, line in _lines(path):
        if not line.endswith(b"\n"):
            break
        if number == 1:
            _refuse_other_header(path, line, header)
        else:
            row = _parse_row(path, number, line, rows, header.answer)
            if expected is not None:
                _refuse_other_input(path, row, next(expected, None))
            rows += 1
        size += len(line)
    if size == 0:
        _refuse_other_start(path, header)
    _writing(path, lambda: _truncate(path, size))
    return rows


def _refuse_other_header(path: Path, line: bytes, header: Header) -> None:
    try:
        found = _parse_header(path, line)
    except InputFileError as error:
        raise UsageError(error.message, "It is left as it is: write to another file.") from error
    for field in dataclasses.fields(Header):
        old, new = getattr(found, field.name), getattr(header, field.name)
        if old != new:
            raise UsageError(
                f"{str(path)!r} holds predictions with {field.name} {old!r}, not {new!r}.",
                "Write to another file, or repeat the options of the first run.",
            )


def _refuse_other_input(path: Path, row: Prediction, expected: tuple[str, str] | None) -> None:
    if expected != (row.query, row.target):
        raise UsageError(
            f"row {row.index} of {str(path)!r} was made from another input file.",
            "Write to another file, or resume with the input of the first run.",
        )


def _refuse_other_start(path: Path, header: Header) -> None:
    """Nothing complete is in the file: what there is must be the beginning of our own header."""
    start = b"".join(line for _, line in _lines(path))
    if not _header_line(header).encode().startswith(start):
        raise UsageError(f"{str(path)!r} is not a file of predictions.", "It is left as it is: write to another file.")


def _truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    opener = lzma.open if path.suffix == ".xz" else Path.open
    try:
        with opener(path, "rb") as file:
            yield from enumerate(file, 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputFileError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}.") from error


def _header_line(header: Header) -> str:
    plain = dataclasses.asdict(header)
    if plain["answer"] == "smiles":
        del plain["answer"]
    return _json_line({"format": FORMAT, "version": VERSIONS["answer" in plain], **plain})


def _plain(candidate: Candidate, kind: AnswerKind) -> dict[str, Any]:
    answer = {kind: getattr(candidate, kind)} | ({"interval": candidate.interval} if kind == "value" else {})
    return {**answer, "score": candidate.score, "proposer": candidate.proposer}


def _candidate(plain: dict[str, Any], kind: AnswerKind) -> Candidate:
    score, proposer, answer = plain["score"], str(plain["proposer"]), plain[kind]
    if kind == "value":
        ends = plain["interval"]
        return Candidate(
            "", score, proposer, value=float(answer), interval=None if ends is None else (ends[0], ends[1])
        )
    return Candidate(str(answer), score, proposer) if kind == "smiles" else Candidate("", score, proposer, str(answer))


def _json_line(values: dict[str, Any]) -> str:
    return json.dumps(values, allow_nan=False) + "\n"


def _parse_header(path: Path, line: bytes) -> Header:
    try:
        values = json.loads(line)
        version = values["version"] if values["format"] == FORMAT else None
        kind = values.get("answer", "smiles")
        header = Header(str(values["task"]), str(values["model"]), int(values["top_k"]), kind)
    except (ValueError, KeyError, TypeError) as error:
        raise InputFileError(
            f"{str(path)!r} is not a file of predictions: line 1 is not its header.",
            "Make one with: retort evaluate TASK --input FILE --predictions FILE.",
        ) from error
    if version not in VERSIONS or kind not in get_args(AnswerKind):
        known = " or ".join(map(str, VERSIONS))
        raise InputFileError(f"{str(path)!r} is not a file of predictions of version {known}.")
    return header


def _parse_row(path: Path, number: int, line: bytes, place: int, kind: AnswerKind) -> Prediction:
    if not line.endswith(b"\n"):
        raise DataError(f"{path}, line {number}: the line is torn.", "Resume the run that wrote it.")
    try:
        values = json.loads(line)
        candidates = tuple(_candidate(plain, kind) for plain in values["candidates"])
        texts = (values["query"], values["target"], values["status"], values["message"])
        row = Prediction(int(values["index"]), *texts, candidates, values.get("raw"))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}, line {number}: damaged row ({error}).") from error
    if row.index != place:
        raise DataError(f"{path}, line {number}: row {row.index} stands where row {place} belongs.")
    if row.status not in STATUSES:
        raise DataError(f"{path}, line {number}: unknown status {row.status!r}.")
    return row


def _writing(path: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        raise OutputError(
            f"cannot write {str(path)!r}: {error.strerror or error}.", "The rows before it are kept."
        ) from error
