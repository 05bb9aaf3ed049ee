"""Which rows of a source are read: a share of them, at most so many of them, drawn with a seed.

Every row has a number between 0 and 1 that depends on the seed, its source and its identifier alone, and the rows
with the smallest numbers are taken. So a smaller sample is part of a larger one, and nothing is ever held in memory.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from retort.data.records import SourceRow
from retort.data.splits import TRAIN

Rows = Callable[[], Iterable[SourceRow]]
"""Reads a source from its beginning, each time it is called."""


def draw(seed: int, source: str, row_id: str) -> float:
    """Return the number of a row, evenly spread over 0..1 (BLAKE2b, 8 bytes)."""
    digest = hashlib.blake2b(f"{seed}:{source}:{row_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def threshold(rows: Rows, source: str, seed: int, fraction: float, limit: int | None, *, whole: bool) -> float:
    """Return the number below which rows are taken, so that at most ``limit`` are.

    With ``whole``, rows of a published valid or test part do not count, as :func:`sampled` always takes them.
    Memory: 8 bytes a row while a limit is looked for.
    """
    if limit is None:
        return fraction
    numbers = np.fromiter((draw(seed, source, row.id) for row in rows() if _drawn(row, whole)), dtype=np.float64)
    if len(numbers) <= limit:
        return fraction
    return min(fraction, float(np.partition(numbers, limit)[limit]))


def sampled(rows: Iterable[SourceRow], source: str, seed: int, below: float, *, whole: bool) -> Iterator[SourceRow]:
    """Yield the rows whose number is below the threshold, in their order.

    With ``whole``, every row of a published valid or test part stays: a benchmark is not a benchmark in part.
    """
    for row in rows:
        if below >= 1 or not _drawn(row, whole) or draw(seed, source, row.id) < below:
            yield row


def _drawn(row: SourceRow, whole: bool) -> bool:
    return not whole or row.split in (TRAIN, "all")
