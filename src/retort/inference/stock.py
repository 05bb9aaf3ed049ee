"""A stock: the molecules that can be bought, or that are on the shelf.

Entries are SMILES or InChI keys, mixed as they come: one a line, one a row of a table, or a source of molecules such as
``paroutes_stock:n5``. Nothing is guessed: an entry is met by the same molecule alone, stereochemistry and isotopes
included; a salt is one entry and is not met by its parts. What cannot be read is counted, with its first line.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from rdkit import Chem

from retort.chem.smiles import canonical_or_none, parse
from retort.data.records import MoleculeRow
from retort.data.source import SOURCES
from retort.errors import InputFileError, did_you_mean
from retort.inference.queries import read_columns, read_queries

COLUMNS = (
    "smiles",
    "inchikey",
    "inchi_key",
    "input",
)  # names of a table's column, in any case; the first that is there
_LINES = (".smi", ".txt")
_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


@dataclass(frozen=True, eq=False)
class Stock:
    """Molecules that are at hand; ``smiles in stock`` asks for one of them in any spelling.

    Attributes:
        name: What it is called: a file's name, or that of a source.
        smiles: Canonical SMILES of the entries that were SMILES.
        keys: InChI keys of the others.
        unreadable: Entries that are neither.
        first_unreadable: The first of them and its line or row, from 1; empty where there is none.
    """

    name: str
    smiles: frozenset[str]
    keys: frozenset[str] = frozenset()
    unreadable: int = 0
    first_unreadable: str = ""

    @classmethod
    def load(cls, path: Path | str, column: str | None = None) -> Self:
        """Read a file, or a source of molecules by its name; behind a colon may stand which of its lists.

        Args:
            path: Lines (``.smi``, ``.txt``), a table (``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``), each with ``.xz``
                too, or the name of a source. Empty lines do not count.
            column: Column of a table; by default one of :data:`COLUMNS`, or the only one.

        Raises:
            InputFileError: The file is missing, of an unknown kind, lacks the column, or holds no molecule.
            DataError: The files of the source are not here.
        """
        source, _, part = str(path).partition(":")
        if source in SOURCES.names() and not Path(path).exists():
            return cls.of(_keys_of(source, part), str(path))
        return cls.of(_entries(Path(path), column), Path(path).name)

    @classmethod
    def of(cls, entries: Iterable[str], name: str) -> Self:
        """Take entries as they come; raises InputFileError where none of them is a molecule."""
        smiles, keys, unreadable, first = set(), set(), 0, ""
        for line, entry in enumerate(map(str.strip, entries), 1):
            if _KEY.fullmatch(entry):
                keys.add(entry)
            elif canonical := entry and canonical_or_none(entry):
                smiles.add(canonical)
            elif entry:
                unreadable += 1
                first = first or f"line {line}: {entry[:60]!r}"
        if not smiles and not keys:
            found = f"; {unreadable} entries cannot be read, first {first}" if unreadable else ""
            raise InputFileError(f"stock {name!r} holds no molecule{found}.", "Give SMILES or InChI keys, one a line.")
        return cls(name, frozenset(smiles), frozenset(keys), unreadable, first)

    def __contains__(self, smiles: object) -> bool:
        """Tell whether a molecule is in stock; text that cannot be read is not."""
        canonical = canonical_or_none(smiles) if isinstance(smiles, str) else None
        if canonical is None:
            return False
        return canonical in self.smiles or (bool(self.keys) and inchi_key(canonical) in self.keys)

    def __len__(self) -> int:
        """Return the number of distinct entries; a molecule given as SMILES and as key counts twice."""
        return len(self.smiles) + len(self.keys)


@lru_cache(maxsize=65_536)
def inchi_key(canonical: str) -> str:
    """Return the standard InChI key of a molecule, empty where it has none; raises ChemistryError."""
    key: str = Chem.MolToInchiKey(parse(canonical))  # type: ignore[no-untyped-call]
    return key


def _keys_of(source: str, part: str) -> Iterator[str]:
    """Yield the molecules of a source, or those of one of its lists."""
    found = SOURCES.get(source)
    if found.kind != "molecules":
        raise InputFileError(
            f"source {source!r} holds {found.kind}, no list of molecules.", "Name a file of molecules."
        )
    prefix = f"{source}:{part}:" if part else f"{source}:"
    rows = (row for row in found.read(found.root()) if isinstance(row, MoleculeRow) and row.id.startswith(prefix))
    yield from (row.smiles or row.text for row in rows)


def _entries(path: Path, column: str | None) -> list[str]:
    """Return the entries of a file in their order."""
    kind = path.with_suffix("").suffix if path.suffix.lower() == ".xz" else path.suffix
    if path.is_file() and path.stat().st_size == 0:
        return []
    if kind.lower() in _LINES:
        return read_queries(str(path))
    return [entry for (entry,) in read_columns(path, (column or _column(path),))]


def _column(path: Path) -> str:
    """Return the column that holds the molecules of a table."""
    from retort.data.tables import read_table

    names = read_table(path).columns
    known = {name.lower(): name for name in names}
    for name in COLUMNS:
        if name in known:
            return known[name]
    if len(names) == 1:
        return names[0]
    raise InputFileError(
        f"{str(path)!r} has no column of molecules.",
        f"{did_you_mean('smiles', names)} Call the column one of {', '.join(COLUMNS)}.",
    )
