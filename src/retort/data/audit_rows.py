"""Where the rows of an audit come from: prepared folders, sources, the user's tables; and how they become collections.

Rows are read as a stream and reduced to hashes chunk by chunk, in several processes if asked for, so that memory holds
the hashes and a few chunks.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from retort.data.audit import Collection, total
from retort.data.audit_columns import Rows, columns, concatenate
from retort.data.audit_keys import Asked, AskedRecord, AuditRow
from retort.data.prepare import read_manifest
from retort.data.records import MoleculeRow, RawRow, TextRow
from retort.data.shards import record_of
from retort.data.source import SOURCES
from retort.data.spans import SPAN_DENOISING
from retort.data.splits import TRAIN
from retort.data.tables import read_table
from retort.errors import DataError, InputFileError, UsageError
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary

Sourced = tuple[str, AuditRow]
"""A row beside the name of its source."""

_CHUNK = 2_000
_TEXT_COLUMNS = ("name", "description", "caption", "text")
_TASK_SUFFIX = re.compile(r"\.([a-z_]+)$")
_UNNAMED = ""
_RECORDS = "records.parquet"
_TABLES = (_RECORDS, "molecules.parquet")


def collect(
    name: str,
    rows: Iterable[Sourced],
    *,
    tasks: tuple[str, ...] = (),
    workers: int = 1,
    say: Callable[[int], None] | None = None,
) -> Collection:
    """Reduce a stream of rows to a collection.

    Args:
        name: What reports call it.
        rows: The rows, each with its source.
        tasks: Tasks in which plain reactions are asked, where that is known.
        workers: Processes.
        say: Receives the number of rows done, now and then.
    """
    blocks: dict[str, list[Rows]] = {}
    refused: list[dict[str, int]] = []
    done = 0
    for found in _parallel(partial(_reduce, tasks=tasks), rows, workers):
        for block, counts in found:
            blocks.setdefault(block.source, []).append(block)
            refused.append(counts)
            done += len(block) + sum(counts.values())
        if say is not None:
            say(done)
    return Collection(name, tuple(concatenate(several) for several in blocks.values()), total(refused))


def folder_parts(folder: Path) -> list[str]:
    """Return the parts of a prepared folder that have rows, ``train`` first; raises DataError for another folder."""
    read_manifest(folder)
    found = {part for name in _TABLES for part in _table(folder / name, pl.col("split").unique())["split"]}
    return sorted(found, key=lambda part: (part != TRAIN, part))


def folder_rows(folder: Path, part: str) -> Iterator[Sourced]:
    """Yield the rows of one part of a prepared folder.

    ``train`` is what training reads, decoded from the token arrays, where these know the source of every row (folders
    of earlier versions: the records); other parts are records, asked in every task of the folder, and molecules.

    Raises:
        DataError: The folder is not a prepared one, or its tables are damaged.
    """
    manifest = read_manifest(folder)
    if part == TRAIN and "sources" in manifest and (folder / "train.sources.npy").is_file():
        yield from _array_rows(folder, manifest["tasks"], manifest["sources"])
        return
    tasks = tuple(task for task in manifest["tasks"] if task != SPAN_DENOISING)
    for name in _TABLES:
        for row in _table(folder / name, pl.all(), part).iter_rows(named=True):
            if name == _RECORDS:
                yield row["source"], AskedRecord(record_of(row), tasks)
            else:
                yield row["source"], MoleculeRow(row["id"], part, row["smiles"])


def _table(path: Path, columns: pl.Expr, part: str | None = None) -> pl.DataFrame:
    """Read columns of one part of a table of a folder; a folder without molecules has an empty table of them."""
    if path.name != _RECORDS and not path.is_file():
        return pl.DataFrame(schema={"split": pl.String})
    try:
        table = pl.scan_parquet(path)
        return (table if part is None else table.filter(pl.col("split") == part)).select(columns).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}.", "Prepare the folder again.") from error


def check_source(name: str, split: str | None) -> None:
    """Refuse what :func:`source_rows` could not read.

    Raises:
        UnknownNameError: No source bears the name.
        UsageError: The source reads a user's own file, or has no such split.
    """
    source = SOURCES.get(name)
    if not source.files:
        raise UsageError(f"source {name!r} reads a file of your own.", "Give the file itself.")
    if split is not None and source.rows and split not in source.rows:
        raise UsageError(f"source {name!r} has no split {split!r}.", f"Its splits: {', '.join(source.rows)}.")


def source_rows(name: str, split: str | None) -> Iterator[Sourced]:
    """Yield the rows of a source, or of one of its splits; raises DataError where its files are absent or damaged."""
    source = SOURCES.get(name)
    source.verify()
    for row in source.read(source.root()):
        if split is None or row.split == split:
            yield name, row


def table_rows(path: Path, task: str | None) -> Iterator[Sourced]:
    """Yield the rows of a user's table or of a text file of reaction SMILES.

    A table has ``input`` and ``target`` (with a task, which may also be the end of the file's name, as in
    ``rows.retrosynthesis.csv``), or ``reaction``, or ``reactants`` and ``products``, or ``smiles``, or a text column.

    Raises:
        InputFileError: The file cannot be read, or has none of these columns.
        UsageError: Questions and answers without a task.
    """
    kinds = [suffix.lower() for suffix in path.suffixes]
    if {".txt", ".smi", ".rsmi"} & set(kinds[-2:]):
        yield from ((_UNNAMED, row) for row in SOURCES.get("reaction_smiles").read(path))
        return
    table = read_table(path)
    names = set(table.columns)
    if {"input", "target"} <= names:
        asked = TASKS.get(task).name if task else _task_of(path)
        for line, row in enumerate(table.iter_rows(named=True), 1):
            id_ = f"{path.name}:{row.get('id') or line}"
            yield _UNNAMED, Asked(id_, asked, str(row["input"] or ""), str(row["target"] or ""))
    elif "reaction" in names or ("reactants" in names and {"product", "products"} & names):
        yield from ((_UNNAMED, row) for row in SOURCES.get("table").read(path))
    else:
        yield from ((_UNNAMED, row) for row in _molecule_rows(path, table.iter_rows(named=True), table.columns))


def _task_of(path: Path) -> str:
    stem = path.name.removesuffix(".xz")
    found = _TASK_SUFFIX.search(stem.rpartition(".")[0])
    if found and found.group(1) in TASKS.names():
        return found.group(1)
    raise UsageError(f"{str(path)!r} has questions and answers, but of which task?", "Name it with --task.")


def _molecule_rows(path: Path, rows: Iterator[dict[str, object]], names: list[str]) -> Iterator[AuditRow]:
    text = next((name for name in _TEXT_COLUMNS if name in names), None)
    if "smiles" not in names and text is None:
        raise InputFileError(
            f"{str(path)!r} has no column that can be audited.",
            f"Known: input and target, reaction, reactants and products, smiles, {', '.join(_TEXT_COLUMNS)}.",
        )
    for line, row in enumerate(rows, 1):
        id_, words = f"{path.name}:{row.get('id') or line}", str(row.get(text or "") or "")
        if "smiles" in names:
            yield MoleculeRow(id_, "all", str(row["smiles"] or ""), words)
        else:
            yield TextRow(id_, "all", "", words, "")


def _array_rows(folder: Path, tasks: list[str], sources: list[str]) -> Iterator[Sourced]:
    """Decode the first copy of every training row; the others are spellings of it."""
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    tokens, offsets = (np.load(folder / f"train.{name}.npy", mmap_mode="r") for name in ("tokens", "offsets"))
    numbers, origins = (np.load(folder / f"train.{name}.npy") for name in ("tasks", "sources"))
    copies = (len(offsets) - 1) // (2 * max(1, len(numbers)))
    for row, (number, origin) in enumerate(zip(numbers.tolist(), origins.tolist(), strict=True)):
        first = 2 * row * copies
        given, wanted = (vocabulary.decode(tokens[offsets[i] : offsets[i + 1]].tolist()) for i in (first, first + 1))
        yield sources[origin], _decoded(f"train:{row}", tasks[number], given, wanted)


def _decoded(id_: str, task: str, given: str, wanted: str) -> AuditRow:
    if task != SPAN_DENOISING:
        return Asked(id_, task, given, wanted)
    if len(re.split(r"(?<!-)>", given)) == 3:
        return RawRow(id_, TRAIN, given, roles="mixed" if ">>" in given else "given")
    return MoleculeRow(id_, TRAIN, given)


def _reduce(rows: list[Sourced], tasks: tuple[str, ...]) -> list[tuple[Rows, Counter[str]]]:
    grouped: dict[str, list[AuditRow]] = {}
    for source, row in rows:
        grouped.setdefault(source, []).append(row)
    return [columns(several, source, _is_published(source), tasks) for source, several in grouped.items()]


def _is_published(name: str) -> bool:
    if name not in SOURCES.names():
        return False
    source = SOURCES.get(name)
    return source.benchmark or source.published_split


def _parallel(
    work: Callable[[list[Sourced]], list[tuple[Rows, Counter[str]]]], rows: Iterable[Sourced], workers: int
) -> Iterator[list[tuple[Rows, Counter[str]]]]:
    """Map chunks in order; at most two chunks per process are under way."""
    iterator = iter(rows)
    chunks = iter(lambda: list(islice(iterator, _CHUNK)), [])
    if workers <= 1:
        yield from map(work, chunks)
        return
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(workers))
        waiting: deque[Future[list[tuple[Rows, Counter[str]]]]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(work, chunk))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
