"""The keys of many rows as columns of 8-byte hashes: what stays in memory while collections are compared."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import packed_bits
from retort.chem.scaffold import murcko_scaffold
from retort.data.audit_keys import AuditRow, RowKeys, keys_of_row

Hashes = NDArray[np.uint64]
BITS = 2048
_ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads one hash before another is added to it


@dataclass(frozen=True)
class Facet:
    """Any number of hashes per row.

    Attributes:
        values: uint64 [m].
        rows: int64 [m], the row that each belongs to, ascending.
    """

    values: Hashes
    rows: NDArray[np.int64]

    @classmethod
    def build(cls, keys: Iterable[Sequence[str]]) -> "Facet":
        """Hash the keys of rows."""
        pairs = [(key_hash(key), row) for row, several in enumerate(keys) for key in several]
        values, rows = zip(*pairs, strict=True) if pairs else ((), ())
        return cls(np.asarray(values, np.uint64), np.asarray(rows, np.int64))

    @classmethod
    def join(cls, *facets: "Facet") -> "Facet":
        """Put facets of the same rows together (the rows are no longer ascending)."""
        return cls(*(np.concatenate([getattr(f, name) for f in facets]) for name in ("values", "rows")))

    @cached_property
    def distinct(self) -> Hashes:
        """All values once, ascending."""
        return np.unique(self.values)

    def of(self, rows: NDArray[np.bool_]) -> "Facet":
        """Return the part that belongs to the chosen rows, bool [n]."""
        kept = rows[self.rows]
        return self if kept.all() else Facet(self.values[kept], self.rows[kept])

    def occurs_in(self, other: "Facet", count: int) -> NDArray[np.bool_]:
        """Return which of ``count`` rows have a value that the other facet has, bool [count]."""
        found = np.zeros(count, bool)
        found[self.shared_with(other.distinct)[1]] = True
        return found

    def shared_with(self, ascending: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
        """Return the values that are among ascending ones, and their rows."""
        if not len(ascending):
            return self.values[:0], self.rows[:0]
        places = np.minimum(np.searchsorted(ascending, self.values), len(ascending) - 1)
        shared = ascending[places] == self.values
        return self.values[shared], self.rows[shared]


@dataclass(frozen=True)
class Rows:
    """The rows of one source.

    Attributes:
        source: Name of the source.
        published: Whether its split is published, so that overlaps within it are its own.
        ids: Id of every row.
        products: Keys of the product side.
        reactants: One key per row: the whole set of contributing reactants.
        parts: Each component of the reactants.
        molecules: Molecules of rows that are no reactions.
        mixed: bool [n], whether reagents may stand among the reactants.
        direction: uint8 [n], bits of the directions in which the row is asked.
        main: uint64 [n], hash of the largest product; 0 where there is none.
        mains: uint64 [u], the distinct values of ``main``, ascending, without 0.
        scaffolds: uint64 [u], their scaffolds.
        fingerprints: uint64 [u, BITS / 64], their fingerprints.
    """

    source: str
    published: bool
    ids: list[str]
    products: Facet
    reactants: Facet
    parts: Facet
    molecules: Facet
    mixed: NDArray[np.bool_]
    direction: NDArray[np.uint8]
    main: Hashes
    mains: Hashes
    scaffolds: Hashes
    fingerprints: Hashes

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def reactions(self) -> Facet:
        """One key per product key: product and reactants together."""
        reactants = np.zeros(len(self), np.uint64)
        reactants[self.reactants.rows] = self.reactants.values
        return Facet(self.products.values * _ODD + reactants[self.products.rows], self.products.rows)

    def parts_of(self, row: int) -> list[int]:
        """Return the hashes of the reactants of one row."""
        low, high = np.searchsorted(self.parts.rows, row, "left"), np.searchsorted(self.parts.rows, row, "right")
        values: list[int] = self.parts.values[low:high].tolist()
        return values

    def some_ids(self, chosen: NDArray[np.bool_], most: int) -> list[str]:
        """Return up to ``most`` ids of the chosen rows, in order."""
        return [self.ids[i] for i in np.flatnonzero(chosen)[: max(0, most)]]


def key_hash(key: str) -> int:
    """Return 8 bytes of BLAKE2b as a number; never 0."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") or 1


def columns(
    rows: Sequence[AuditRow], source: str, published: bool, tasks: tuple[str, ...]
) -> tuple[Rows, Counter[str]]:
    """Turn rows of one source into columns; returns the rows that have no keys by reason as well."""
    found = [(row.record.id if hasattr(row, "record") else row.id, keys_of_row(row, tasks)) for row in rows]
    good = [(id_, keys) for id_, keys in found if isinstance(keys, RowKeys)]
    refused = Counter(keys for _, keys in found if isinstance(keys, str))
    keys = [k for _, k in good]
    main = [k.products[-1] if k.products else "" for k in keys]
    distinct = {key_hash(product): product for product in main if product}
    mains = np.asarray(sorted(distinct), np.uint64)
    ordered = [distinct[int(value)] for value in mains]
    block = Rows(
        source=source,
        published=published,
        ids=[id_ for id_, _ in good],
        products=Facet.build(k.products for k in keys),
        reactants=Facet.build((".".join(k.reactants),) if k.reactants else () for k in keys),
        parts=Facet.build(k.reactants for k in keys),
        molecules=Facet.build(k.molecules for k in keys),
        mixed=np.asarray([k.mixed for k in keys], bool),
        direction=np.asarray([k.direction for k in keys], np.uint8),
        main=np.asarray([key_hash(product) if product else 0 for product in main], np.uint64),
        mains=mains,
        scaffolds=np.asarray([key_hash(murcko_scaffold(product)) for product in ordered], np.uint64),
        fingerprints=np.stack([packed_bits(product, bits=BITS) for product in ordered]) if ordered else _no_bits(),
    )
    return block, refused


def concatenate(blocks: Sequence[Rows]) -> Rows:
    """Put blocks of one source together, in order; products that occur in several are kept once."""
    mains, places = np.unique(np.concatenate([block.mains for block in blocks]), return_index=True)
    return Rows(
        source=blocks[0].source,
        published=blocks[0].published,
        ids=[id_ for block in blocks for id_ in block.ids],
        products=_joined(blocks, lambda block: block.products),
        reactants=_joined(blocks, lambda block: block.reactants),
        parts=_joined(blocks, lambda block: block.parts),
        molecules=_joined(blocks, lambda block: block.molecules),
        mixed=np.concatenate([block.mixed for block in blocks]),
        direction=np.concatenate([block.direction for block in blocks]),
        main=np.concatenate([block.main for block in blocks]),
        mains=mains,
        scaffolds=np.concatenate([block.scaffolds for block in blocks])[places],
        fingerprints=np.concatenate([block.fingerprints for block in blocks])[places],
    )


def _joined(blocks: Sequence[Rows], facet: Callable[[Rows], Facet]) -> Facet:
    starts = np.cumsum([0, *(len(block) for block in blocks[:-1])])
    rows = [facet(block).rows + start for block, start in zip(blocks, starts, strict=True)]
    return Facet(np.concatenate([facet(block).values for block in blocks]), np.concatenate(rows))


def _no_bits() -> Hashes:
    return np.zeros((0, BITS // 64), np.uint64)
