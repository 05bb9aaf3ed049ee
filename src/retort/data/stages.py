"""What one process does to one chunk: clean it, map it, spell it. Each job is a value that travels to a worker."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from retort.chem.templates import extract_template
from retort.data.aligner import Aligner, build_aligner
from retort.data.clean import Clean, clean, clean_described, clean_molecule, unfit_for_training
from retort.data.encode import Encoder, encode_record
from retort.data.examples import Spelling
from retort.data.records import MoleculeRow, RawRow, Rejection, SourceRow
from retort.data.sampling import draw
from retort.data.shards import record_of, records_in, replaced, whole, write_chunk, write_table
from retort.data.splits import TRAIN, Split
from retort.errors import DataError
from retort.prompting.vocabulary import Vocabulary

NO_YEAR = "no year to cut by"


@dataclass(frozen=True)
class CleanJob:
    """Raw rows of one source to be cleaned and given their parts."""

    source: str
    split: Split
    max_tokens: int
    rows: Sequence[SourceRow]
    output: Path

    def run(self) -> Counter[str | None]:
        """Write the chunk, unless it is there; return how many rows each reason refused (None: clean)."""
        if not self.output.exists():
            cleaned = [self._clean(row) for row in self.rows]
            write_chunk(self.output, ((row, self._unfit(row)) for row in cleaned))
        return Counter(pl.read_parquet(self.output, columns=["reason"])["reason"].to_list())

    def _clean(self, row: SourceRow) -> Clean | Rejection:
        if isinstance(row, MoleculeRow):
            asked = self.split.name == "molecule"  # elsewhere molecules serve denoising, which reads no words
            result, year = (clean_described if asked else clean_molecule)(row, self.source), None
        elif isinstance(row, RawRow):
            result, year = clean(row, self.source), row.year
        else:
            raise DataError(f"source {self.source!r} yields a {type(row).__name__}, which cannot be prepared.")
        if isinstance(result, Rejection):
            return result
        if isinstance(row, MoleculeRow) and self.split.name not in ("published", "molecule"):
            part: str | None = TRAIN  # without words, molecules ask nothing that could be held out
        else:
            part = self.split.part(row.id, row.split, result.keys.products, year)
        if part is None:
            return Rejection(row.id, self.source, NO_YEAR, str(result.record.reaction))
        return replace(result, record=replace(result.record, split=part))

    def _unfit(self, row: Clean | Rejection) -> str | None:
        return None if isinstance(row, Rejection) else unfit_for_training(row.record, self.max_tokens)


@dataclass(frozen=True)
class AlignJob:
    """A judged chunk whose rows without maps are to be mapped, as far as they are of the named parts."""

    aligner: str
    templates: Path
    python: Path | None
    chunk: Path
    output: Path
    parts: tuple[str, ...] = (TRAIN,)

    def run(self) -> tuple[int, dict[str, int]]:
        """Write the chunk with the maps that were found, unless it is there.

        Returns:
            The number of rows tried, and source -> rows mapped.
        """
        table = pl.read_parquet(self.chunk)
        unmapped = pl.col("reason").is_null() & pl.col("mapped").is_null() & (pl.col("reactants") != "")
        places = table.select((unmapped & pl.col("split").is_in(self.parts)).arg_true()).to_series().to_list()
        if not self.output.exists():
            self._write(table, places)
        mapped = pl.read_parquet(self.output, columns=["source", "mapped"])[places].drop_nulls()
        return len(places), dict(Counter(mapped["source"].to_list()))

    def _write(self, table: pl.DataFrame, places: list[int]) -> None:
        reactions = [record_of(row).reaction for row in table[places].iter_rows(named=True)]
        found = _aligner(self.aligner, self.templates, self.python).align(reactions)
        mapped = table["mapped"].to_list()
        for place, text in zip(places, found, strict=True):
            mapped[place] = text
        write_table(self.output, replaced(table, "mapped", mapped))


@dataclass(frozen=True)
class TemplateJob:
    """A judged chunk whose mapped train rows, as far as they are drawn, give templates."""

    seed: int
    share: float
    chunk: Path
    output: Path

    def run(self) -> Counter[str]:
        """Return template -> reactions, from the file if it is there."""
        if not self.output.exists():
            counts = Counter(self._templates())
            whole(self.output, lambda part: part.write_text(json.dumps(counts), "utf-8"))
        return Counter(json.loads(self.output.read_text("utf-8")))

    def _templates(self) -> Iterator[str]:
        for record in records_in(self.chunk, TRAIN):
            if record.mapped and draw(self.seed, f"template:{record.source}", record.id) < self.share:
                template = extract_template(record.mapped)
                if isinstance(template, str):
                    yield template


@dataclass(frozen=True)
class SpellJob:
    """Train rows of a chunk to be spelled and encoded."""

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    vocabulary: Path
    spelling: Spelling
    seed: int
    chunk: Path
    output: Path

    def run(self) -> dict[str, int]:
        """Write tokens, lengths, tasks and sources of the chunk's rows, unless they are there.

        Returns:
            ``source/task`` -> rows; and of each task how many were left out because their answers have no SELFIES.
        """
        if not self.output.exists():
            arrays = self._arrays(_encoder(self.vocabulary))
            whole(self.output, lambda part: _save(part, arrays))
        with np.load(self.output, allow_pickle=False) as saved:
            pairs = Counter(zip(saved["sources"].tolist(), saved["tasks"].tolist(), strict=True))
            unwritten = Counter(saved["unwritten"].tolist())
        rows = {f"{self.sources[source]}/{self.tasks[task]}": n for (source, task), n in pairs.items()}
        return rows | {f"{self.tasks[task]}: left out, no SELFIES": n for task, n in unwritten.items()}

    def _arrays(self, encoder: Encoder) -> dict[str, npt.NDArray[Any]]:
        tokens: list[npt.NDArray[np.uint16]] = []
        tasks: list[int] = []
        sources: list[int] = []
        unwritten: list[int] = []
        for record in records_in(self.chunk, TRAIN):
            for task, sequences in encode_record(record, self.tasks, encoder, self.spelling, self.seed):
                if not sequences:
                    unwritten.append(task)
                    continue
                tokens += sequences
                tasks.append(task)
                sources.append(self.sources.index(record.source))
        return {
            "tokens": np.concatenate(tokens) if tokens else np.zeros(0, np.uint16),
            "lengths": np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)),
            "tasks": np.asarray(tasks, dtype=np.uint8),
            "sources": np.asarray(sources, dtype=np.uint8),
            "unwritten": np.asarray(unwritten, dtype=np.uint8),
        }


def _save(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@lru_cache(maxsize=1)
def _encoder(vocabulary: Path) -> Encoder:
    return Encoder(Vocabulary.load(vocabulary))


@lru_cache(maxsize=1)
def _aligner(name: str, templates: Path, python: Path | None) -> Aligner:
    found = templates.read_text("utf-8").splitlines() if templates.is_file() else []
    return build_aligner(name, templates=found, python=python)
