"""Chunks of rows on disk between the stages of preparation, so that memory stays bounded and a killed run goes on.

A work folder stands beside the output. Each stage writes one file per chunk; a file appears under its name only when
it is whole, and is a function of the configuration alone, so a chunk that is there need not be made again.

Columns of a chunk: those of :data:`RECORD_SCHEMA`; hashes of the leak rule's keys and of the whole text; of a molecule
with words about it, hashes of these and of itself; ``unfit``, why it should not be trained on; ``reason`` and ``text``
of a rejected row.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from retort.chem.reaction import Reaction
from retort.data.clean import Clean
from retort.data.records import Record, Rejection

LAYOUT = 5
"""Of the work folder; another number makes a run begin anew."""

RECORD_SCHEMA: Mapping[str, Any] = {
    "id": pl.String,
    "source": pl.String,
    "split": pl.String,
    "reactants": pl.String,
    "reagents": pl.String,
    "products": pl.String,
    "roles_known": pl.Boolean,
    "mapped": pl.String,
    "reaction_class": pl.Int8,
    "origin": pl.String,
    "yield_percent": pl.Float64,
    "template_class": pl.Int16,
    "catalyst": pl.String,
    "solvent": pl.String,
    "conditions": pl.String,
    "temperature": pl.Float64,
    "name": pl.String,
    "name_kind": pl.String,
    "description": pl.String,
}
_KEY_SCHEMA: Mapping[str, Any] = {
    "product_key": pl.UInt64,
    "main_key": pl.UInt64,
    "reactants_key": pl.UInt64,
    "text_key": pl.UInt64,
    "words_key": pl.UInt64,
    "molecule_key": pl.UInt64,
    "unfit": pl.String,
    "reason": pl.String,
    "text": pl.String,
}
_ROLES = ("reactants", "reagents", "products")
_LABELS = (
    *("reaction_class", "yield_percent", "template_class"),
    *("catalyst", "solvent", "conditions", "temperature"),
    *("name", "name_kind", "description"),
)
_PLAIN = ("id", "source", "split", "roles_known", "mapped", "origin", *_LABELS)


@dataclass(frozen=True)
class WorkFolder:
    """The folder of intermediate files of one preparation."""

    path: Path

    @classmethod
    def open(cls, path: Path, fingerprint: Mapping[str, Any]) -> tuple["WorkFolder", bool]:
        """Open a work folder; what another configuration left there is removed. Says whether anything was kept."""
        wanted = json.dumps({"layout": LAYOUT, **fingerprint}, sort_keys=True, default=str)
        marker = path / "configuration.json"
        kept = marker.is_file() and marker.read_text("utf-8") == wanted
        if not kept:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            whole(marker, lambda part: part.write_text(wanted, "utf-8"))
        return cls(path), kept

    def file(self, stage: str, name: str) -> Path:
        """Return the path of a file of a stage; its folder exists."""
        folder = self.path / stage
        folder.mkdir(exist_ok=True)
        return folder / name

    def note(self, stage: str, name: str, values: Mapping[str, Any]) -> None:
        """Keep plain values, such as the counts of a finished stage."""
        text = json.dumps(values)
        whole(self.file(stage, f"{name}.json"), lambda part: part.write_text(text, "utf-8"))

    def noted(self, stage: str, name: str) -> dict[str, Any] | None:
        """Return what :meth:`note` kept, or None."""
        path = self.file(stage, f"{name}.json")
        values: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
        return values

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


def whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a file beside the path and put it in place at once: the path never holds half a file."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    write(part)
    part.replace(path)


def key_hash(text: str) -> int:
    """Return 64 bits of a key (BLAKE2b); two of ten million keys share them once in 10^5 preparations."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def write_chunk(path: Path, rows: Iterable[tuple[Clean | Rejection, str | None]]) -> None:
    """Write cleaned rows, each with the reason why it is unfit for training, in their order."""
    table = pl.DataFrame(
        [_rejected(row) if isinstance(row, Rejection) else _cleaned(row, unfit) for row, unfit in rows],
        schema={**RECORD_SCHEMA, **_KEY_SCHEMA},
    )
    write_table(path, table)


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all."""
    whole(path, lambda part: table.write_parquet(part, compression="zstd", statistics=False))


def records_in(path: Path, *parts: str) -> Iterator[Record]:
    """Yield the records of a chunk that were not rejected; only those of the given parts, if parts are given."""
    table = pl.read_parquet(path, columns=[*RECORD_SCHEMA, "reason"]).filter(pl.col("reason").is_null())
    if parts:
        table = table.filter(pl.col("split").is_in(parts))
    yield from map(record_of, table.iter_rows(named=True))


def rejections_in(path: Path) -> Iterator[Rejection]:
    """Yield the rejected rows of a chunk, with the text as read where cleaning refused it."""
    table = pl.read_parquet(path, columns=["id", "source", "reason", "text", *_ROLES])
    for row in table.filter(pl.col("reason").is_not_null()).iter_rows(named=True):
        text = row["text"] if row["text"] is not None else ">".join(row[role] for role in _ROLES)
        yield Rejection(row["id"], row["source"], row["reason"], text)


def record_of(row: Mapping[str, Any]) -> Record:
    """Return the record that stands in a row of a table; older tables lack some of its fields."""
    roles = (tuple(row[role].split(".")) if row[role] else () for role in _ROLES)
    return Record(reaction=Reaction(*roles), **{key: row[key] for key in _PLAIN if key in row})


def row_of(record: Record) -> dict[str, Any]:
    """Return a record as a row of a table."""
    roles = {role: ".".join(getattr(record.reaction, role)) for role in _ROLES}
    return roles | {key: getattr(record, key) for key in _PLAIN}


def replaced(table: pl.DataFrame, column: str, values: Sequence[Any]) -> pl.DataFrame:
    """Return a table with other values in one column."""
    return table.with_columns(pl.Series(column, values, dtype=table.schema[column]))


def _cleaned(row: Clean, unfit: str | None) -> dict[str, Any]:
    products = [key_hash(product) for product in row.keys.products]
    text, words = str(row.record.reaction), row.record.words
    return row_of(row.record) | {
        "product_key": products[0],
        "main_key": products[-1],
        "reactants_key": key_hash(row.keys.reactants),
        "text_key": key_hash(f"{text} {words}".strip()),
        "words_key": key_hash(words.casefold()) if words else None,
        "molecule_key": key_hash(text) if words else None,
        "unfit": unfit,
    }


def _rejected(row: Rejection) -> dict[str, Any]:
    return {"id": row.id, "source": row.source, "reason": row.reason, "text": row.text}
