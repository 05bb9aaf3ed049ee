"""Prepared folders: versioned, checksummed, readable without RDKit or polars where training needs it.

Layout (version 1)::

    manifest.json                what was done, counts, SHA-256 of every file
    vocabulary.json              token list
    {train,valid}.tokens.npy     uint16 [t]         all sequences end to end, each ended by </s>
    {train,valid}.offsets.npy    int64 [2*r*k + 1]  sequence 2*(row*k + copy) is a source, the next one its target
    {train,valid}.tasks.npy      uint8 [r]          index into the manifest's tasks
    {train,valid}.sources.npy    uint8 [r]          index into the manifest's sources
    records.parquet              clean reactions that passed the leak rule, with their part
    molecules.parquet            the same of molecules, with their names and descriptions, where a source has them
    rejects.jsonl.xz             every other row, with its reason
    examples/<part>/<source>.<task>.csv    input, target, id: held-out rows for ``retort evaluate``
    timing.json                  seconds, rates and memory of the run that made it; not among the checksums

Everything but ``timing.json`` is a function of the configuration: not of the number of processes, nor of whether
the run was interrupted. A row of the task ``span_denoising`` keeps its whole text as source and ``</s>`` as target.
"""

import csv
import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import polars as pl

from retort.data.arrays import append_row, split_arrays
from retort.data.encode import Encoded, Encoder
from retort.data.examples import canonical_example, fits
from retort.data.records import Example, Record, Rejection
from retort.data.shards import RECORD_SCHEMA, record_of, records_in, rejections_in, row_of, write_table
from retort.data.splits import TEST, TRAIN, VALID_PARTS
from retort.errors import DataError
from retort.prompting.task import Task
from retort.prompting.vocabulary import Vocabulary, words_of

FORMAT, VERSION = "retort-prepared", 1
_UNCHECKED = ("manifest.json", "timing.json")

_ROW_GROUP = 65_536
_IS_MOLECULE = (pl.col("reactants") == "") & (pl.col("reagents") == "") & pl.col("reason").is_null()


def encode_examples(examples: Sequence[Example], task: int, vocabulary: Vocabulary) -> Encoded:
    """Turn the copies of one row into token arrays."""
    return task, Encoder(vocabulary).examples(examples)


def write_arrays(folder: Path, split: str, rows: Iterable[Encoded], copies: int, sources: Iterable[int] = ()) -> int:
    """Write the arrays of one split, row by row; returns the number of rows.

    Args:
        folder: Where.
        split: ``train`` or ``valid``.
        rows: Encoded rows.
        copies: Source-target pairs of each row.
        sources: Index of each row's source; 0 where they end early.

    Raises:
        DataError: A row does not have ``copies`` source-target pairs.
    """
    with split_arrays(folder, split, copies) as arrays:
        for row, source in zip(rows, chain(sources, repeat(0)), strict=False):
            append_row(arrays, row, source)
        return arrays.tasks.length


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write clean records as Parquet, one role a column."""
    write_table(path, pl.DataFrame([row_of(record) for record in records], schema=dict(RECORD_SCHEMA)))


def gather_records(path: Path, chunks: Sequence[Path]) -> None:
    """Write the reactions of judged chunks as Parquet, in row groups, without holding them in memory."""
    _gather(path, chunks, ~_IS_MOLECULE, list(RECORD_SCHEMA))


def gather_molecules(path: Path, chunks: Sequence[Path]) -> None:
    """Write the molecules of judged chunks as Parquet: id, source, split, smiles, and what is said about them."""
    columns = ["id", "source", "split", pl.col("products").alias("smiles"), "name", "name_kind", "description"]
    _gather(path, chunks, _IS_MOLECULE, columns)


def mapped_rows(chunks: Sequence[Path]) -> int:
    """Return the number of train rows of judged chunks whose maps are known."""
    rows = (pl.col("reason").is_null() & pl.col("mapped").is_not_null() & (pl.col("split") == TRAIN)).sum()
    return int(pl.scan_parquet(list(chunks)).select(rows).collect().item()) if chunks else 0


def gather(folder: Path, chunks: Sequence[Path], tasks: Sequence[Task]) -> dict[str, Any]:
    """Write records, molecules, rejected rows and evaluation files from judged chunks; return the counts of rows."""
    gather_records(folder / "records.parquet", chunks)
    counts = _count(chunks, pl.col("reason").is_null(), pl.col("source") + "/" + pl.col("split"))
    if _count(chunks, _IS_MOLECULE, pl.col("source")):
        gather_molecules(folder / "molecules.parquet", chunks)
    write_rejects(folder / "rejects.jsonl.xz", (rejection for chunk in chunks for rejection in rejections_in(chunk)))
    held_out = (record for chunk in chunks for record in records_in(chunk, *VALID_PARTS, TEST))
    return {
        "records": dict(sorted(counts.items())),
        "rejected": _count(chunks, pl.col("reason").is_not_null(), pl.col("source") + ": " + pl.col("reason")),
        "evaluation": write_evaluation_files(folder / "examples", held_out, tasks),
    }


def _count(chunks: Sequence[Path], which: pl.Expr, label: pl.Expr) -> dict[str, int]:
    """Return label -> rows, most frequent first, ties by label."""
    labels = pl.scan_parquet(list(chunks)).filter(which).select(label.alias("label")).group_by("label").len()
    found = {str(name): int(count) for name, count in labels.collect().iter_rows()}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _gather(path: Path, chunks: Sequence[Path], which: pl.Expr, columns: list[Any]) -> None:
    table = pl.scan_parquet(list(chunks)).filter(pl.col("reason").is_null() & which).select(columns)
    table.sink_parquet(path, compression="zstd", statistics=False, row_group_size=_ROW_GROUP, maintain_order=True)


def read_records(path: Path) -> list[Record]:
    """Read the records of a prepared folder back.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}.", "Run `retort prepare` first.") from error
    return [record_of(row) for row in table.iter_rows(named=True)]


def read_molecules(folder: Path) -> list[Record]:
    """Read the molecules of a prepared folder back, with what is said about them; none where no source has any.

    Raises:
        DataError: The file is damaged, or was written before molecules had names.
    """
    path = folder / "molecules.parquet"
    if not path.is_file():
        return []
    products = pl.col("smiles").alias("products")
    empty = (pl.lit("").alias(role) for role in ("reactants", "reagents"))
    try:
        table = pl.read_parquet(path).with_columns(products, *empty)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}.", "Run `retort prepare` again.") from error
    return [record_of(row) for row in table.iter_rows(named=True)]


def write_rejects(path: Path, rejections: Iterable[Rejection]) -> None:
    """Write every refused row with its reason, one JSON object a line."""
    with lzma.open(path, "wt", encoding="utf-8", preset=1) as file:
        for rejection in rejections:
            fields = {key: getattr(rejection, key) for key in Rejection.__slots__}
            file.write(json.dumps(fields, ensure_ascii=False) + "\n")


def write_evaluation_files(folder: Path, records: Iterable[Record], tasks: Sequence[Task]) -> dict[str, int]:
    """Write held-out questions as CSV files of ``input,target,id``; returns ``part/source.task`` -> rows."""
    counts: Counter[str] = Counter()
    with ExitStack() as open_files:
        writers: dict[str, Any] = {}
        for record in records:
            if record.split == TRAIN:
                continue
            for task in tasks:
                if not fits(task, record):
                    continue
                name = f"{record.split}/{record.source}.{task.name}"
                if name not in writers:
                    writers[name] = _question_writer(folder / f"{name}.csv", open_files)
                example = canonical_example(task, record, 0)
                asked = words_of(example.prompt.removeprefix(f"<{task.name}>"))
                writers[name].writerow([asked, example.target, record.id])
                counts[name] += 1
    return dict(sorted(counts.items()))


def _question_writer(path: Path, open_files: ExitStack) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = csv.writer(open_files.enter_context(path.open("w", newline="", encoding="utf-8")))
    writer.writerow(["input", "target", "id"])
    return writer


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Add the checksums of all files to a manifest and write it; last, so that it marks a finished folder."""
    manifest = {"format": FORMAT, "version": VERSION, **manifest, "files": dict(_checksums(folder))}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False)
    (folder / "manifest.json").write_text(text + "\n", "utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest of a prepared folder.

    Raises:
        DataError: It is missing, damaged, or of another format or version.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(folder)!r} is not a finished prepared folder.", "Run `retort prepare` first.") from error
    found = (manifest.get("format"), manifest.get("version"))
    if found != (FORMAT, VERSION):
        raise DataError(f"{str(folder)!r} has format {found}, not {(FORMAT, VERSION)}.", "Prepare it again.")
    return manifest


def verify(folder: Path) -> None:
    """Compare every file with the manifest; raises DataError naming the first that differs."""
    found = dict(_checksums(folder))
    for name, expected in read_manifest(folder)["files"].items():
        if found.get(name) != expected:
            raise DataError(f"{folder / name} is missing or damaged.", "Prepare the folder again.")


def _checksums(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in _UNCHECKED):
        with path.open("rb") as file:
            yield path.relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()
