"""Label a table with reaction types, read from its inputs by frozen types; the column of targets is never looked at.

CSV and JSON Lines are written as the rows are read, and a run that was cut off goes on behind its last chunk; Parquet
is written at the end.
"""

import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from retort.data.tables import read_table
from retort.elicitation.frozen import CARD, FrozenTypes
from retort.errors import ChemistryError, InputFileError, OutputError, UsageError, did_you_mean
from retort.inference.bulk import ResultFile
from retort.inference.queries import read_queries
from retort.inference.questions import ask, plain
from retort.models import checkpoint
from retort.models.annotator import Annotator
from retort.models.protocol import Seq2Seq
from retort.prompting.task import TASKS, Task
from retort.prompting.vocabulary import Vocabulary

TYPE, PROBABILITY = "reaction_type", "probability"
CHUNK = 256  # queries that are read and written together
_FORMS = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True)
class AnnotateRequest:
    """What is to be labelled.

    Attributes:
        file: A table with one query a row, or a file of lines (``.smi``, ``.txt``).
        types: Folder of frozen types.
        output: Table to write; its ending tells the form.
        column: The column of the queries.
        encoder: Model folder that reads, where it is not the one that the types name.
    """

    file: Path
    types: Path
    output: Path
    column: str = "input"
    encoder: Path | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A query whose type could not be read: its row, from 1, and why."""

    row: int
    reason: str


@dataclass(frozen=True)
class Annotated:
    """A table that was labelled.

    Attributes:
        task: Whose inputs the types are read from.
        rows: Number of rows.
        without: Rows without a type.
        refused: Those of them that this run met, in order; an earlier one told of the others.
    """

    task: str
    rows: int
    without: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, eq=False)
class _Reader:
    """What turns queries into types."""

    task: Task
    annotator: Annotator
    vocabulary: Vocabulary

    def labelled(self, table: pl.DataFrame, column: str, first: int) -> tuple[pl.DataFrame, list[Refused]]:
        """Return rows with their types, and those that were refused; ``first`` is the number of the first, from 0."""
        queries = ["" if cell is None else str(cell) for cell in table[column]]
        ids: list[int | None] = [None] * len(queries)
        probabilities: list[float | None] = [None] * len(queries)
        places, sources, refused = self._asked(queries, first)
        if places:
            read = self.annotator.annotate(sources)
            for place, label, chances in zip(places, read.ids.tolist(), read.probabilities, strict=True):
                ids[place], probabilities[place] = label, float(chances[label])
        columns = [pl.Series(TYPE, ids, pl.Int64), pl.Series(PROBABILITY, probabilities, pl.Float64)]
        return table.with_columns(columns), refused

    def _asked(self, queries: Sequence[str], first: int) -> tuple[list[int], list[list[int]], list[Refused]]:
        places, sources, refused = [], [], []
        for place, query in enumerate(queries):
            try:
                sources.append(self.vocabulary.encode(plain(ask(self.task, query)).prompt))
                places.append(place)
            except ChemistryError as error:
                refused.append(Refused(first + place + 1, str(error)))
        return places, sources, refused


def annotate(request: AnnotateRequest, on_progress: Callable[[int, int], None] | None = None) -> Annotated:
    """Write the table with the columns ``reaction_type`` and ``probability``; both are empty where a query is refused.

    Args:
        request: What and where.
        on_progress: Called with the rows done and the rows there are.

    Raises:
        InputFileError: The table is missing, damaged, empty or lacks the column.
        UsageError: The output's ending is unknown, it belongs to another batch, or the table has such a column already.
        ModelError: The types or their encoder are damaged or do not fit together.
        MissingExtraError: A probe needs torch, which is not installed.
        OutputError: The disk is full or may not be written.
    """
    form = request.output.suffix.lower()
    if form not in _FORMS:
        raise UsageError(f"cannot tell how to write {str(request.output)!r}.", f"Name it {', '.join(_FORMS)}.")
    table = _table(request.file, request.column)
    types = FrozenTypes.load(request.types)
    model = request.encoder or types.encoder_folder(request.types)
    vocabulary = Vocabulary.load(model / checkpoint.VOCABULARY)
    reader = _Reader(TASKS.get(types.card.task), types.annotator(model, _engine), vocabulary)
    tell = on_progress or (lambda *_: None)
    if form == ".parquet":
        refused = _write_whole(request, reader, table, tell)
        return Annotated(reader.task.name, len(table), len(refused), tuple(refused))
    file = ResultFile(request.output, _settings(request), len(table), _header(table) if form == ".csv" else "")
    refused = _write_on(request, reader, table, file, tell)
    return Annotated(reader.task.name, len(table), file.progress.unanswered, tuple(refused))


def _write_on(
    request: AnnotateRequest, reader: _Reader, table: pl.DataFrame, file: ResultFile, tell: Callable[[int, int], None]
) -> list[Refused]:
    """Append chunk after chunk from where the file ends; return the rows that were refused."""
    text = _csv_rows if request.output.suffix.lower() == ".csv" else pl.DataFrame.write_ndjson
    every: list[Refused] = []
    for first in range(file.progress.rows, len(table), CHUNK):
        rows, refused = reader.labelled(table.slice(first, CHUNK), request.column, first)
        file.append(text(rows), len(rows), len(refused))
        every += refused
        tell(file.progress.rows, len(table))
    return every


def _write_whole(
    request: AnnotateRequest, reader: _Reader, table: pl.DataFrame, tell: Callable[[int, int], None]
) -> list[Refused]:
    """Read all rows, then write the file whole or not at all; return the rows that were refused."""
    parts, every = [], list[Refused]()
    for first in range(0, len(table), CHUNK):
        rows, refused = reader.labelled(table.slice(first, CHUNK), request.column, first)
        parts.append(rows)
        every += refused
        tell(first + len(rows), len(table))
    content = io.BytesIO()
    pl.concat(parts).write_parquet(content)
    _save(request.output, content.getvalue())
    return every


def _settings(request: AnnotateRequest) -> dict[str, object]:
    return {
        "types": checkpoint.file_sha256(request.types / CARD),
        "input": checkpoint.file_sha256(request.file),
        "column": request.column,
    }


def _header(table: pl.DataFrame) -> str:
    return table.clear().with_columns(pl.lit(None).alias(name) for name in (TYPE, PROBABILITY)).write_csv()


def _csv_rows(rows: pl.DataFrame) -> str:
    return rows.write_csv(include_header=False)


def _engine(folder: Path, vocabulary: Vocabulary) -> Seq2Seq:
    if (folder / "model.bin").is_file():
        from retort.inference.engines.ctranslate2 import CTranslate2Engine

        return CTranslate2Engine(folder, vocabulary, compute_type="float32")
    from retort.inference.engines.transformers import TransformersEngine

    return TransformersEngine(folder, vocabulary)


def _table(path: Path, column: str) -> pl.DataFrame:
    lines = path.suffix.lower() in (".smi", ".txt")
    table = pl.DataFrame({column: read_queries(str(path))}) if lines else read_table(path)
    if column not in table.columns:
        hint = f"{did_you_mean(column, table.columns)} Name the column with --column."
        raise InputFileError(f"{str(path)!r} has no column {column!r}.", hint)
    if not len(table):
        raise InputFileError(f"{str(path)!r} holds no query.", "Give at least one.")
    taken = {TYPE, PROBABILITY} & set(table.columns)
    if taken:
        raise UsageError(f"{str(path)!r} has a column {min(taken)!r} already.", "Rename or drop it.")
    return table


def _save(output: Path, content: bytes) -> None:
    draft = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(output)
    except OSError as error:
        raise OutputError(f"cannot write {str(output)!r}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            draft.unlink()
