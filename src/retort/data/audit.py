"""Leakage between collections of rows: what of the second also occurs in the first, by category.

Spelling, stereo, atom maps and the order of components do not matter. Of every row only 8-byte hashes are kept, and
of every product a scaffold and a fingerprint, so two unequal things are confused with a chance of about 1e-9 per
million rows. Two Rows of one source whose split is published are told apart from the rest: such overlaps belong to
the benchmark, are counted, and are no one's fault.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retort.data.audit_columns import Facet, Rows
from retort.data.audit_keys import BACKWARD, FORWARD

SIMILARITY = 0.9
"""Tanimoto similarity of Morgan fingerprints (radius 2, 2,048 bits) from which two products are near-duplicates."""

_PAIRS_AT_ONCE = 200_000  # fingerprints compared in one array operation: about 50 MB

Found = NDArray[np.bool_]
"""Which rows of the second collection also occur in the first, bool [n]."""


@dataclass(frozen=True)
class Collection:
    """Rows that are audited as one thing.

    Attributes:
        name: What the report calls it.
        rows: Its rows, one block per source.
        unreadable: Reason -> rows that have no keys.
    """

    name: str
    rows: tuple[Rows, ...]
    unreadable: dict[str, int]

    def __len__(self) -> int:
        return sum(len(block) for block in self.rows)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one category found in one pair.

    Attributes:
        rows: Rows of the second collection that also occur in the first.
        within_split: Those of them that occur only in their own source, whose split is published.
        examples: Ids of some of the rows that occur across sources, else of those within.
    """

    rows: int
    within_split: int
    examples: tuple[str, ...]

    @property
    def leaks(self) -> int:
        """Rows that occur in another source, or in one whose split is nobody's but ours."""
        return self.rows - self.within_split


def same_reaction(first: Rows, second: Rows) -> Found:
    """Find the same product from the same reactants; where one row mixes reagents in, they may exceed the other's."""
    return _same_reaction(first, second, np.ones(len(first), bool), np.ones(len(second), bool))


def same_product(first: Rows, second: Rows) -> Found:
    """Find the same product, or the same largest component of the product side."""
    return second.products.occurs_in(first.products, len(second))


def same_reactants(first: Rows, second: Rows) -> Found:
    """Find the same set of contributing reactants, whatever is made of it."""
    return second.reactants.occurs_in(first.reactants, len(second))


def reversed_task(first: Rows, second: Rows) -> Found:
    """Find the same reaction asked the other way round: the input of one row is the target of the other."""
    found = np.zeros(len(second), bool)
    for one, other in ((FORWARD, BACKWARD), (BACKWARD, FORWARD)):
        found |= _same_reaction(first, second, (first.direction & one) > 0, (second.direction & other) > 0)
    return found


def same_molecule(first: Rows, second: Rows) -> Found:
    """Find molecules of text and molecule rows that are a product, or a molecule, of the other side."""
    molecules = Facet.join(first.molecules, first.products)
    found = second.molecules.occurs_in(molecules, len(second))
    return found | second.products.occurs_in(first.molecules, len(second))


def near_duplicate(first: Rows, second: Rows) -> Found:
    """Find products of the same scaffold and ``SIMILARITY`` that are not the same product.

    Only products that share their scaffold are compared, and of those only the ones whose numbers of bits allow the
    similarity. Acyclic products share the empty scaffold.
    """
    matched = np.zeros(len(second.scaffolds), bool)
    groups = _by_scaffold(first)
    for scaffold, there in _by_scaffold(second).items():
        if scaffold in groups:
            matched[there] = _similar(first.fingerprints[groups[scaffold]], second.fingerprints[there])
    near: Found = np.isin(second.main, second.mains[matched])
    return near & ~same_product(first, second)


CATEGORIES: dict[str, Callable[[Rows, Rows], Found]] = {
    check.__name__: check
    for check in (same_reaction, same_product, same_reactants, reversed_task, same_molecule, near_duplicate)
}
"""The categories, in the order of reports."""


def applies(category: str, first: Collection, second: Collection) -> bool:
    """Tell whether two collections have what a category compares."""
    if category == "same_molecule":
        has = [_any(collection, lambda rows: len(rows.molecules.values) > 0) for collection in (first, second)]
        return any(has) and len(first) > 0 and len(second) > 0
    if category == "reversed_task":
        return all(_any(collection, lambda rows: bool(rows.direction.any())) for collection in (first, second))
    return all(_any(collection, lambda rows: len(rows.products.values) > 0) for collection in (first, second))


def compare(first: Collection, second: Collection, examples: int = 5) -> dict[str, Finding | None]:
    """Return category -> what it found in the second collection; None where it does not apply."""
    return {
        category: _finding(category, first, second, examples) if applies(category, first, second) else None
        for category in CATEGORIES
    }


def _any(collection: Collection, holds: Callable[[Rows], bool]) -> bool:
    return any(holds(rows) for rows in collection.rows)


def _finding(category: str, first: Collection, second: Collection, examples: int) -> Finding:
    rows = leaks = 0
    across: list[str] = []
    within: list[str] = []
    for block in second.rows:
        everywhere, elsewhere = _found(category, first, block)
        rows += int(everywhere.sum())
        leaks += int(elsewhere.sum())
        across += block.some_ids(elsewhere, examples - len(across))
        within += block.some_ids(everywhere, examples - len(within))
    return Finding(rows, rows - leaks, tuple(across or within))


def _found(category: str, first: Collection, block: Rows) -> tuple[Found, Found]:
    """Return which rows of a block occur in the first collection at all, and which outside of their own split."""
    everywhere, elsewhere = np.zeros(len(block), bool), np.zeros(len(block), bool)
    same = np.zeros(len(block), bool)
    for other in first.rows:
        found = CATEGORIES[category](other, block)
        everywhere |= found
        if not (block.published and other.published and block.source == other.source):
            elsewhere |= found
        if category == "near_duplicate":
            same |= same_product(other, block)
    return everywhere & ~same, elsewhere & ~same


def _same_reaction(first: Rows, second: Rows, here: Found, there: Found) -> Found:
    if not (here.any() and there.any()):
        return np.zeros(len(second), bool)
    products = first.products.of(here)
    found = second.reactions.of(there).occurs_in(first.reactions.of(here), len(second))
    order = np.argsort(products.values, kind="stable")
    values, rows = products.values[order], products.rows[order]
    for value, row in zip(*second.products.of(there & ~found).shared_with(values), strict=True):
        low, high = np.searchsorted(values, value, "left"), np.searchsorted(values, value, "right")
        found[row] |= any(_contained(first, int(other), second, int(row)) for other in set(rows[low:high].tolist()))
    return found


def _contained(first: Rows, one: int, second: Rows, other: int) -> bool:
    """Whether the known reactants of one row are all among the mixed precursors of the other."""
    if first.mixed[one] == second.mixed[other]:
        return False
    left, right = set(first.parts_of(one)), set(second.parts_of(other))
    return left >= right if first.mixed[one] else left <= right


def _by_scaffold(rows: Rows) -> dict[int, NDArray[np.int64]]:
    """Return scaffold -> places of its products."""
    order = np.argsort(rows.scaffolds, kind="stable")
    scaffolds, starts = np.unique(rows.scaffolds[order], return_index=True)
    return dict(zip(scaffolds.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}


def _similar(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> Found:
    """Return which fingerprints [m, w] of the second have one among the first [n, w] that is similar enough."""
    first = first[np.argsort(np.bitwise_count(first).sum(axis=1))]
    sizes, wanted = (np.bitwise_count(bits).sum(axis=1).astype(np.int64) for bits in (first, second))
    order = np.argsort(wanted)
    found = np.zeros(len(second), bool)
    step = max(1, _PAIRS_AT_ONCE // max(1, len(first)))
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        low = np.searchsorted(sizes, SIMILARITY * wanted[chosen[0]], "left")
        high = np.searchsorted(sizes, wanted[chosen[-1]] / SIMILARITY, "right")
        if high > low:
            common = np.bitwise_count(first[None, low:high] & second[chosen, None]).sum(axis=2)
            union = sizes[None, low:high] + wanted[chosen, None] - common
            found[chosen] = (common >= SIMILARITY * union).any(axis=1)
    return found


def total(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Add up counts by key, largest first."""
    summed: dict[str, int] = {}
    for count in counts:
        for key, number in count.items():
            summed[key] = summed.get(key, 0) + number
    return dict(sorted(summed.items(), key=lambda item: (-item[1], item[0])))
