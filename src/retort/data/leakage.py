"""The leak rule: no row of training may share a product or a reactant set with a protected row elsewhere.

Protected are the valid and test rows of every benchmark and the project's own held-out rows. Comparison is
stereo-free, unmapped and canonical. *Across* sources every overlapping row is dropped; *inside* a benchmark the
published train is kept and its overlaps are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retort.data.clean import Clean, Keys
from retort.data.splits import TEST, TRAIN


@dataclass
class ProtectedSet:
    """Products and reactant sets of protected rows, each with the ``(source, part)`` pairs that hold it."""

    products: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    reactants: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def add(self, row: Clean) -> None:
        """Protect one row."""
        holder = (row.record.source, row.record.split)
        for product in row.keys.products:
            self.products[product].add(holder)
        self.reactants[row.keys.reactants].add(holder)

    def holders(self, keys: Keys) -> Mapping[str, set[tuple[str, str]]]:
        """Return ``{"product": holders, "reactants": holders}`` for the keys of any row; empty sets are left out."""
        product = {holder for key in keys.products for holder in self.products.get(key, ())}
        reactants = self.reactants.get(keys.reactants, set())
        return {kind: found for kind, found in (("product", product), ("reactants", reactants)) if found}


@dataclass(frozen=True)
class LeakReport:
    """What the leak rule did.

    Attributes:
        dropped: Reason -> rows dropped.
        kept_inside: ``source: same product as its own <part>`` -> train rows kept because the split is published.
        protected: ``source/part`` -> rows that are protected.
    """

    dropped: Counter[str]
    kept_inside: Counter[str]
    protected: Counter[str]


def apply_leak_rule(
    rows: Iterable[Clean], benchmarks: frozenset[str]
) -> tuple[list[Clean], list[tuple[Clean, str]], LeakReport]:
    """Split rows into those that may stay and those that leak.

    Args:
        rows: Clean rows whose ``split`` names their part already.
        benchmarks: Sources whose split is published; all other held-out rows are the project's own.

    Returns:
        Kept rows in order, dropped rows with the reason of each, and the counts.
    """
    rows = list(rows)
    own_dropped = _own_rows_in_published_train(rows, benchmarks)
    protected = ProtectedSet()
    report = LeakReport(Counter(), Counter(), Counter())
    for row in rows:
        if row.record.split != TRAIN and id(row) not in own_dropped:
            protected.add(row)
            report.protected[f"{row.record.source}/{row.record.split}"] += 1
    kept: list[Clean] = []
    dropped: list[tuple[Clean, str]] = []
    for row in rows:
        reason = own_dropped.get(id(row)) or _leak(row, protected, benchmarks, report)
        if reason:
            report.dropped[f"{row.record.source}: {reason}"] += 1
            dropped.append((row, reason))
        else:
            kept.append(row)
    return kept, dropped, report


def _own_rows_in_published_train(rows: list[Clean], benchmarks: frozenset[str]) -> dict[int, str]:
    """Own held-out rows that a benchmark's published train holds are no honest test: drop them, not the train row."""
    train = ProtectedSet()
    for row in rows:
        if row.record.source in benchmarks and row.record.split == TRAIN:
            train.add(row)
    return {
        id(row): "held-out row overlaps a published train set"
        for row in rows
        if row.record.source not in benchmarks and row.record.split != TRAIN and train.holders(row.keys)
    }


def _leak(row: Clean, protected: ProtectedSet, benchmarks: frozenset[str], report: LeakReport) -> str | None:
    record = row.record
    if record.split == TEST or (record.split != TRAIN and record.source in benchmarks):
        return None  # published valid and every test row stay whole
    for kind, holders in protected.holders(row.keys).items():
        foreign = sorted({part for source, part in holders if source != record.source or source not in benchmarks})
        if record.split != TRAIN:
            foreign = [part for part in foreign if part == TEST]
        if foreign:
            return f"same {kind} as a protected {foreign[-1]} row"
        if record.split == TRAIN:
            report.kept_inside[f"{record.source}: same {kind} as its own {max(p for _, p in holders)}"] += 1
    return None
