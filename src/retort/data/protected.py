"""The molecules that no training may see: those of the held-out rows of benchmarks, and of a study's own.

``retort prepare`` puts the leak rule to all its sources at once. Whoever takes molecules from elsewhere (names,
descriptions, procedures) asks here: a molecule is refused where it is a protected product, a protected main product or
a protected reactant set, stereo-free.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.clean import Clean, Keys, clean, keys_of
from retort.data.leakage import KeyRow, ProtectedSet
from retort.data.records import RawRow, Record
from retort.data.source import SOURCES
from retort.data.splits import TRAIN
from retort.errors import DataError

_HELD_OUT = ("valid", "test")


@dataclass
class Protection:
    """What is protected.

    Attributes:
        counts: ``source/part`` -> rows that are protected.
        absent: Benchmarks that were not found, and so protect nothing.
    """

    counts: Counter[str] = field(default_factory=Counter)
    absent: tuple[str, ...] = ()
    _keys: ProtectedSet = field(default_factory=ProtectedSet)

    def add(self, source: str, part: str, keys: Keys) -> None:
        """Protect one row."""
        self._keys.add(KeyRow(source, part, keys.products, keys.reactants))
        self.counts[f"{source}/{part}"] += 1

    def add_records(self, records: Iterable[Record]) -> None:
        """Protect the held-out rows of a prepared folder."""
        for record in records:
            if record.split != TRAIN:
                self.add(record.source, record.split, keys_of(record.reaction))

    def holder(self, smiles: str) -> str | None:
        """Return ``source/part`` of a protected row that a molecule leaks from; None where it leaks from none.

        Raises:
            ChemistryError: The molecule cannot be read.
        """
        return self.holder_of(keys_of(Reaction((), (), components(smiles))))

    def holder_of(self, keys: Keys) -> str | None:
        """Return ``source/part`` of a protected row that a reaction or molecule leaks from; None where it does not."""
        found = self._keys.holders(KeyRow("", TRAIN, keys.products, keys.reactants))
        holders = sorted({holder for kind in found.values() for holder in kind})
        return "/".join(holders[0]) if holders else None


def protected_molecules(benchmarks: Sequence[str] = (), records: Iterable[Record] = ()) -> Protection:
    """Return what the held-out rows of benchmarks and of a prepared folder protect.

    Args:
        benchmarks: Sources whose published valid and test rows are protected; all benchmarks where none is named.
            One that is named has to be there; of all, those that are not are told.
        records: Clean reactions, whose held-out rows are protected too.

    Raises:
        UnknownNameError: There is no such source.
        DataError: A named source is not there, or is no set of reactions.
    """
    sources = [SOURCES.get(name) for name in benchmarks or SOURCES.names()]
    wanted = [source for source in sources if benchmarks or source.benchmark]
    for source in wanted:
        if source.kind != "reactions":
            raise DataError(f"source {source.name!r} holds {source.kind}.", "Name sources of reactions.")
    there = [source for source in wanted if benchmarks or source.where() is not None]
    absent = tuple(source.name for source in wanted if source not in there)
    found = Protection(absent=absent)
    for source in there:
        for row in source.read(source.root()):
            if isinstance(row, RawRow) and row.split in _HELD_OUT:
                made = clean(row, source.name)
                if isinstance(made, Clean):
                    found.add(source.name, row.split, made.keys)
    found.add_records(records)
    return found
