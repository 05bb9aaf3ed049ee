"""The leak rule: no row of training may share a product or a reactant set with a protected row elsewhere.

Protected are the valid and test rows of every benchmark and the project's own held-out rows. Comparison is
stereo-free, unmapped and canonical. *Across* sources every overlapping row is dropped; *inside* a benchmark the
published train is kept and its overlaps are counted. A single molecule leaks where it is a protected product, a
protected main product or a protected reactant set. Keys may be texts or hashes of them.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from retort.data.clean import Clean
from retort.data.splits import TEST, TRAIN

Holder = tuple[str, str]
"""Source and part of a protected row."""


class KeyRow(NamedTuple):
    """What the leak rule looks at.

    Attributes:
        products: Key of the whole product side, and of its largest component where it has several.
        reactants: Key of the contributing reactants.
    """

    source: str
    part: str
    products: tuple[Hashable, ...]
    reactants: Hashable


@dataclass
class ProtectedSet:
    """Products and reactant sets of protected rows, each with the ``(source, part)`` pairs that hold it."""

    products: dict[Hashable, frozenset[Holder]] = field(default_factory=dict)
    reactants: dict[Hashable, frozenset[Holder]] = field(default_factory=dict)
    _shared: dict[frozenset[Holder], frozenset[Holder]] = field(default_factory=dict)

    def add(self, row: KeyRow) -> None:
        """Protect one row."""
        holder = (row.source, row.part)
        for product in row.products:
            self._add(self.products, product, holder)
        self._add(self.reactants, row.reactants, holder)

    def _add(self, keys: dict[Hashable, frozenset[Holder]], key: Hashable, holder: Holder) -> None:
        """Add a holder to a key; equal sets of holders are one object, so that a key costs little memory."""
        holders = keys.get(key, frozenset()) | {holder}
        keys[key] = self._shared.setdefault(holders, holders)

    def holders(self, row: KeyRow) -> Mapping[str, frozenset[Holder]]:
        """Return ``{"product": holders, "reactants": holders}`` for any row; empty sets are left out."""
        product = frozenset(holder for key in row.products for holder in self.products.get(key, ()))
        reactants = self.reactants.get(row.reactants, frozenset())
        return {kind: found for kind, found in (("product", product), ("reactants", reactants)) if found}


@dataclass(frozen=True)
class LeakReport:
    """What the leak rule did.

    Attributes:
        dropped: Reason -> rows dropped.
        kept_inside: ``source: same product as its own <part>`` -> train rows kept because the split is published
            or by reaction.
        protected: ``source/part`` -> rows that are protected.
    """

    dropped: Counter[str] = field(default_factory=Counter)
    kept_inside: Counter[str] = field(default_factory=Counter)
    protected: Counter[str] = field(default_factory=Counter)


@dataclass
class LeakRule:
    """The rule, fed three times with all rows in order: :meth:`learn`, :meth:`protect`, :meth:`judge`.

    Attributes:
        published: Sources whose split is published; all other held-out rows are the project's own.
        by_reaction: Sources cut by row or year: inside them only the same reaction is a leak.
        unprotected: Published sources that are no benchmarks: their held-out rows protect nothing elsewhere, and
            own held-out rows do not yield to their train rows.
    """

    published: frozenset[str]
    by_reaction: frozenset[str] = frozenset()
    unprotected: frozenset[str] = frozenset()
    report: LeakReport = field(default_factory=LeakReport)
    _train: ProtectedSet = field(default_factory=ProtectedSet)
    _protected: ProtectedSet = field(default_factory=ProtectedSet)

    def learn(self, row: KeyRow) -> None:
        """Note a row of a benchmark's published train set."""
        if row.source in self.published and row.source not in self.unprotected and row.part == TRAIN:
            self._train.add(row)

    def protect(self, row: KeyRow) -> str | None:
        """Protect a held-out row.

        Own held-out rows that a published train set holds are no honest test: they go, not the train row; the reason
        is returned and counted.
        """
        if row.part == TRAIN or row.source in self.unprotected:
            return None
        if row.source not in self.published and self._train.holders(row):
            return self._drop(row, "held-out row overlaps a published train set")
        self._protected.add(row)
        self.report.protected[f"{row.source}/{row.part}"] += 1
        return None

    def judge(self, row: KeyRow) -> str | None:
        """Return why a row leaks, or None; reasons and overlaps that are kept are counted."""
        if row.part == TEST or (row.part != TRAIN and row.source in self.published):
            return None  # published valid and every test row stay whole
        found = self._protected.holders(row)
        inside = self._inside(row, found)
        for kind, holders in found.items():
            foreign = sorted({part for source, part in holders if source != row.source or not inside})
            if row.part != TRAIN:
                foreign = [part for part in foreign if part == TEST]
            if foreign:
                return self._drop(row, f"same {kind} as a protected {foreign[-1]} row")
        if row.part == TRAIN:
            for kind, holders in found.items():
                self.report.kept_inside[f"{row.source}: same {kind} as its own {max(p for _, p in holders)}"] += 1
        return None

    def _inside(self, row: KeyRow, found: Mapping[str, frozenset[Holder]]) -> bool:
        """Say whether overlaps with held-out rows of the same source are allowed."""
        if row.source in self.published:
            return True
        own = [kind for kind, holders in found.items() if any(source == row.source for source, _ in holders)]
        return row.source in self.by_reaction and len(own) < 2

    def _drop(self, row: KeyRow, reason: str) -> str:
        self.report.dropped[f"{row.source}: {reason}"] += 1
        return reason


def apply_leak_rule(
    rows: Iterable[Clean], benchmarks: frozenset[str]
) -> tuple[list[Clean], list[tuple[Clean, str]], LeakReport]:
    """Split rows in memory into those that may stay and those that leak.

    Args:
        rows: Clean rows whose ``split`` names their part already.
        benchmarks: Sources whose split is published; all other held-out rows are the project's own.

    Returns:
        Kept rows in order, dropped rows with the reason of each, and the counts.
    """
    rule = LeakRule(benchmarks)
    paired = [(row, _key_row(row)) for row in rows]
    for _, keys in paired:
        rule.learn(keys)
    own = [rule.protect(keys) for _, keys in paired]
    judged = [(row, why or rule.judge(keys)) for (row, keys), why in zip(paired, own, strict=True)]
    return [row for row, why in judged if not why], [(row, why) for row, why in judged if why], rule.report


def _key_row(row: Clean) -> KeyRow:
    return KeyRow(row.record.source, row.record.split, row.keys.products, row.keys.reactants)
