"""Which clean rows stay: duplicates, unfit rows, held-out rows of training sources and leaks go, each with a reason.

Rows are read from their chunks five times, hashes alone; memory holds one hash per train row, those of protected
rows, and one reference per row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from retort.data.clean import of_several
from retort.data.leakage import KeyRow, LeakRule
from retort.data.shards import replaced, write_table
from retort.data.splits import TRAIN

DUPLICATE = "duplicate of an earlier row"
SEVERAL = "words that stand for several molecules"
ASIDE = "in a held-out part of a source used for training alone"
_KEYS = ("source", "split", "product_key", "main_key", "reactants_key")
Reasons = list[str | None]


@dataclass
class Judge:
    """Decides on all rows of a preparation.

    Attributes:
        rule: The leak rule.
        train_only: Sources whose held-out rows are dropped before they could protect anything.
    """

    rule: LeakRule
    train_only: frozenset[str]

    def reasons(self, chunks: Sequence[Path]) -> list[Reasons]:
        """Return, for each chunk, why each of its rows is refused; None for rows that stay."""
        reasons = self._fit_for_training(chunks)
        for row, _, _ in _left(chunks, reasons):
            self.rule.learn(row)
        for row, chunk, place in _left(chunks, reasons):
            reasons[chunk][place] = _leak(self.rule.protect(row))
        for row, chunk, place in _left(chunks, reasons):
            reasons[chunk][place] = _leak(self.rule.judge(row))
        return reasons

    def _fit_for_training(self, chunks: Sequence[Path]) -> list[Reasons]:
        """Refuse words of several molecules, and train rows that repeat an earlier one or make no sense to learn."""
        seen: set[int] = set()
        several = of_several(_described(chunks))
        reasons: list[Reasons] = []
        for chunk in chunks:
            table = pl.read_parquet(chunk, columns=["source", "split", "text_key", "unfit", "words_key", "reason"])
            reasons.append(
                [
                    why or (SEVERAL if words in several else self._unfit(source, part, text, unfit, seen))
                    for source, part, text, unfit, words, why in table.iter_rows()
                ]
            )
        return reasons

    def _unfit(self, source: str, part: str, text: int, unfit: str | None, seen: set[int]) -> str | None:
        if part != TRAIN:
            return ASIDE if source in self.train_only else None
        if text in seen:
            return DUPLICATE
        seen.add(text)
        return unfit


def write_judged(chunk: Path, output: Path, reasons: Reasons) -> None:
    """Copy a chunk with the reasons of the judge."""
    write_table(output, replaced(pl.read_parquet(chunk), "reason", reasons))


def _leak(reason: str | None) -> str | None:
    return f"leak: {reason}" if reason else None


def _described(chunks: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """Yield the keys of words and molecule of every row that has words."""
    for chunk in chunks:
        yield from pl.read_parquet(chunk, columns=["words_key", "molecule_key"]).drop_nulls().iter_rows()


def _left(chunks: Iterable[Path], reasons: Sequence[Reasons]) -> Iterator[tuple[KeyRow, int, int]]:
    """Yield the rows that nothing has refused so far, with their chunk and place."""
    for index, chunk in enumerate(chunks):
        table = pl.read_parquet(chunk, columns=list(_KEYS))
        for place, (source, part, product, main, reactants) in enumerate(table.iter_rows()):
            if reasons[index][place] is None:
                products = (product,) if product == main else (product, main)
                yield KeyRow(source, part, products, reactants), index, place
