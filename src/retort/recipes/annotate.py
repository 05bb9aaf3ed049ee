"""Label a table with reaction types, read from its inputs by frozen types; the column of targets is never looked at."""

import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from retort.data.tables import read_table
from retort.elicitation.frozen import FrozenTypes
from retort.errors import ChemistryError, InputFileError, OutputError, UsageError, did_you_mean
from retort.inference.queries import read_queries
from retort.inference.questions import ask, canonical_given, split_roles
from retort.models import checkpoint
from retort.models.annotator import Annotation, Annotator
from retort.models.protocol import Seq2Seq
from retort.prompting.task import TASKS, Question, Task
from retort.prompting.vocabulary import Vocabulary

TYPE, PROBABILITY = "reaction_type", "probability"
CHUNK = 256  # queries that are read together
_WRITERS: dict[str, Callable[[pl.DataFrame, io.BytesIO], object]] = {
    ".csv": lambda table, file: table.write_csv(file),
    ".parquet": lambda table, file: table.write_parquet(file),
    ".jsonl": lambda table, file: table.write_ndjson(file),
}


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
        refused: Rows without a type, in order.
    """

    task: str
    rows: int
    refused: tuple[Refused, ...]


def annotate(request: AnnotateRequest, on_progress: Callable[[int, int], None] | None = None) -> Annotated:
    """Write the table with the columns ``reaction_type`` and ``probability``; both are empty where a query is refused.

    Args:
        request: What and where.
        on_progress: Called with the rows done and the rows there are.

    Raises:
        InputFileError: The table is missing, damaged, empty or lacks the column.
        UsageError: The output's ending is unknown, or the table has a column of that name already.
        ModelError: The types or their encoder are damaged or do not fit together.
        MissingExtraError: A probe needs torch, which is not installed.
        OutputError: The disk is full or may not be written.
    """
    write = _writer(request.output)
    table = _table(request.file, request.column)
    types = FrozenTypes.load(request.types)
    task = TASKS.get(types.card.task)
    model = request.encoder or types.encoder_folder(request.types)
    annotator, vocabulary = types.annotator(model, _engine), Vocabulary.load(model / checkpoint.VOCABULARY)
    queries = ["" if cell is None else str(cell) for cell in table[request.column]]
    ids: list[int | None] = [None] * len(queries)
    probabilities: list[float | None] = [None] * len(queries)
    refused: list[Refused] = []
    for first in range(0, len(queries), CHUNK):
        places, sources = _sources(task, queries, range(first, min(first + CHUNK, len(queries))), vocabulary, refused)
        for place, (label, chance) in zip(places, _read(annotator, sources), strict=True):
            ids[place], probabilities[place] = label, chance
        if on_progress is not None:
            on_progress(min(first + CHUNK, len(queries)), len(queries))
    columns = [pl.Series(TYPE, ids, pl.Int64), pl.Series(PROBABILITY, probabilities, pl.Float64)]
    _save(request.output, table.with_columns(columns), write)
    return Annotated(task.name, len(queries), tuple(refused))


def question(task: Task, query: str) -> Question:
    """Read a query as the rows that types were elicited from are spelled: canonical, without class, reagents mixed in.

    Raises:
        ChemistryError: The query cannot be read.
    """
    asked = ask(task, query)
    if task.query_kind != "molecules":
        return asked
    mixed = ".".join(role for role in split_roles(asked.given) if role)
    return Question(task.name, canonical_given(mixed))


def _sources(
    task: Task, queries: Sequence[str], rows: range, vocabulary: Vocabulary, refused: list[Refused]
) -> tuple[list[int], list[list[int]]]:
    """Return the rows that can be asked and their token ids; the others are added to ``refused``."""
    places, sources = [], []
    for row in rows:
        try:
            sources.append(vocabulary.encode(question(task, queries[row]).prompt))
            places.append(row)
        except ChemistryError as error:
            refused.append(Refused(row + 1, str(error)))
    return places, sources


def _read(annotator: Annotator, sources: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    if not sources:
        return []
    read: Annotation = annotator.annotate(sources)
    ids = read.ids.tolist()
    return [(label, float(chances[label])) for label, chances in zip(ids, read.probabilities, strict=True)]


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


def _writer(output: Path) -> Callable[[pl.DataFrame, io.BytesIO], object]:
    found = _WRITERS.get(output.suffix.lower())
    if found is None:
        raise UsageError(f"cannot tell how to write {str(output)!r}.", f"Name it {', '.join(_WRITERS)}.")
    return found


def _save(output: Path, table: pl.DataFrame, write: Callable[[pl.DataFrame, io.BytesIO], object]) -> None:
    """Write the file whole or not at all."""
    content = io.BytesIO()
    write(table, content)
    draft = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content.getvalue())
        draft.replace(output)
    except OSError as error:
        raise OutputError(f"cannot write {str(output)!r}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            draft.unlink()
