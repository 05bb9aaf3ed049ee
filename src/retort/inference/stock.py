"""A stock: which molecules are at hand or for sale, as a file of SMILES or InChIKeys says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rdkit import Chem

from retort.chem.smiles import canonical_or_none, parse
from retort.errors import InputFileError
from retort.inference.queries import read_lines_or_column
from retort.models.checkpoint import file_sha256

COLUMNS = ("inchikey", "inchi_key", "InChIKey", "smiles", "SMILES", "input")
_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


@dataclass(frozen=True, eq=False)
class Stock:
    """What is in stock.

    Attributes:
        smiles: Canonical SMILES.
        keys: Standard InChIKeys.
        unreadable: Entries of the file that are neither.
        sha256: Checksum of the file.
    """

    smiles: frozenset[str]
    keys: frozenset[str]
    unreadable: int
    sha256: str

    @classmethod
    def load(cls, path: str | Path) -> "Stock":
        """Read a file of lines (``.smi``, ``.txt``) or a table with one of the columns of ``COLUMNS``; ``.xz`` too.

        Entries may be mixed. SMILES are compared in canonical form, stereo included; InChIKeys do not tell tautomers
        apart. Entries that are neither are counted.

        Raises:
            InputFileError: The file is missing, damaged or of an unknown kind, has no such column, or no entry can be
                read.
        """
        entries = set(filter(None, map(str.strip, read_lines_or_column(Path(path), COLUMNS))))
        keys = {entry for entry in entries if _KEY.fullmatch(entry)}
        smiles = [canonical_or_none(entry) for entry in entries - keys]
        known = frozenset(text for text in smiles if text is not None)
        if not keys and not known:
            raise InputFileError(f"{str(path)!r} has no entry that is SMILES or an InChIKey.", "Give one a line.")
        return cls(known, frozenset(keys), smiles.count(None), file_sha256(Path(path)))

    def __len__(self) -> int:
        return len(self.smiles) + len(self.keys)

    def __contains__(self, molecule: str) -> bool:
        """Tell whether a canonical molecule is in stock."""
        return molecule in self.smiles or (bool(self.keys) and inchi_key(molecule) in self.keys)

    def of(self, molecules: Iterable[str]) -> dict[str, bool]:
        """Return molecule -> whether it is in stock, each once, in order."""
        return {molecule: molecule in self for molecule in molecules}


@lru_cache(maxsize=65_536)
def inchi_key(smiles: str) -> str:
    """Return the standard InChIKey; empty where InChI knows none. Raises ChemistryError where it cannot be read."""
    key: str = Chem.MolToInchiKey(parse(smiles))  # type: ignore[no-untyped-call]
    return key
