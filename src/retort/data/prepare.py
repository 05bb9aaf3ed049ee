"""Prepared folders: versioned, checksummed, readable without RDKit or polars where training needs it.

Layout (version 1)::

    manifest.json                what was done, counts, SHA-256 of every file
    vocabulary.json              token list
    {train,valid}.tokens.npy     uint16 [t]         all sequences end to end, each ended by </s>
    {train,valid}.offsets.npy    int64 [2*r*k + 1]  sequence 2*(row*k + copy) is a source, the next one its target
    {train,valid}.tasks.npy      uint8 [r]          index into the manifest's tasks
    records.parquet              clean rows that passed the leak rule, with their part
    rejects.jsonl.xz             every other row, with its reason
    examples/<part>/<source>.<task>.csv    input, target, id: held-out rows for ``retort evaluate``
"""

import csv
import hashlib
import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from retort.chem.reaction import Reaction
from retort.data.examples import canonical_example, fits
from retort.data.records import Example, Record, Rejection
from retort.errors import DataError
from retort.prompting.task import Task
from retort.prompting.vocabulary import Vocabulary

FORMAT, VERSION = "retort-prepared", 1

Encoded = tuple[int, list[npt.NDArray[np.uint16]]]
"""Task index of a row, and its sequences: source, target, source, target, ..."""


def encode_examples(examples: Sequence[Example], task: int, vocabulary: Vocabulary) -> Encoded:
    """Turn the copies of one row into token arrays."""
    texts = [text for example in examples for text in (example.prompt, example.target)]
    return task, [np.asarray(vocabulary.encode(text), dtype=np.uint16) for text in texts]


def write_arrays(folder: Path, split: str, rows: Iterable[Encoded], copies: int) -> int:
    """Write the three arrays of one split; returns the number of rows.

    Raises:
        DataError: A row does not have ``copies`` source-target pairs.
    """
    tokens: list[npt.NDArray[np.uint16]] = []
    tasks: list[int] = []
    for task, sequences in rows:
        if len(sequences) != 2 * copies:
            raise DataError(f"a row has {len(sequences)} sequences instead of {2 * copies}.")
        tokens += sequences
        tasks.append(task)
    lengths = np.fromiter((len(t) for t in tokens), dtype=np.int64, count=len(tokens))
    np.save(folder / f"{split}.tokens.npy", np.concatenate(tokens) if tokens else np.zeros(0, np.uint16))
    np.save(folder / f"{split}.offsets.npy", np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
    np.save(folder / f"{split}.tasks.npy", np.asarray(tasks, dtype=np.uint8))
    return len(tasks)


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write clean records as Parquet, one role a column."""
    columns = {
        "id": [r.id for r in records],
        "source": [r.source for r in records],
        "split": [r.split for r in records],
        "reactants": [".".join(r.reaction.reactants) for r in records],
        "reagents": [".".join(r.reaction.reagents) for r in records],
        "products": [".".join(r.reaction.products) for r in records],
        "roles_known": [r.roles_known for r in records],
        "mapped": [r.mapped for r in records],
        "reaction_class": [r.reaction_class for r in records],
        "origin": [r.origin for r in records],
    }
    schema = {"mapped": pl.String, "reaction_class": pl.Int8}
    pl.DataFrame(columns, schema_overrides=schema).write_parquet(path, compression="zstd", statistics=False)


def read_records(path: Path) -> list[Record]:
    """Read the records of a prepared folder back.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}.", "Run `retort prepare` first.") from error
    return [_record(row) for row in table.iter_rows(named=True)]


def _record(row: dict[str, Any]) -> Record:
    roles = (tuple(row[role].split(".")) if row[role] else () for role in ("reactants", "reagents", "products"))
    rest = {key: row[key] for key in ("id", "source", "split", "roles_known", "mapped", "reaction_class", "origin")}
    return Record(reaction=Reaction(*roles), **rest)


def write_rejects(path: Path, rejections: Iterable[Rejection]) -> None:
    """Write every refused row with its reason, one JSON object a line."""
    with lzma.open(path, "wt", encoding="utf-8", preset=1) as file:
        for rejection in rejections:
            fields = {key: getattr(rejection, key) for key in Rejection.__slots__}
            file.write(json.dumps(fields, ensure_ascii=False) + "\n")


def write_evaluation_files(folder: Path, records: Sequence[Record], tasks: Sequence[Task]) -> dict[str, int]:
    """Write held-out questions as CSV files of ``input,target,id``; returns ``part/source.task`` -> rows."""
    counts: dict[str, int] = {}
    for task in tasks:
        grouped: dict[tuple[str, str], list[Record]] = {}
        for record in records:
            if record.split != "train" and fits(task, record):
                grouped.setdefault((record.split, record.source), []).append(record)
        for (part, source), members in sorted(grouped.items()):
            name = f"{part}/{source}.{task.name}"
            path = folder / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_questions(path, members, task)
            counts[name] = len(members)
    return counts


def _write_questions(path: Path, records: Sequence[Record], task: Task) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["input", "target", "id"])
        for record in records:
            example = canonical_example(task, record, 0)
            writer.writerow([example.prompt.removeprefix(f"<{task.name}>"), example.target, record.id])


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
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"):
        yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
