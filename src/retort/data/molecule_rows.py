"""Encoded rows with molecules on disk: token arrays, and the graphs of all molecules, each stored once.

Needs numpy alone, so that training runs where RDKit and polars are absent. A folder holds ``rows/<split>/<kind>/`` for
every kind of row, ``graphs/``, ``molecules.txt`` (the SMILES of each graph), ``vocabulary.json`` and ``manifest.json``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.chem.molecular_graph import GraphTable, MolecularGraph
from retort.errors import DataError, UnknownNameError
from retort.prompting.dialogue import EncodedRow
from retort.prompting.vocabulary import Vocabulary

FORMAT, VERSION = "retort-molecule-rows", 1
SPLITS = ("train", "valid")


@dataclass(frozen=True, eq=False)
class RowTable:
    """Rows end to end; row ``i`` owns ``starts[i]:starts[i + 1]``, and likewise of its molecules.

    Attributes:
        ids: Token ids, -1 for a molecule; int32.
        learned: Whether each is a label; bool.
        starts: int64 [rows + 1].
        molecules: Places in the folder's list; int32.
        molecule_starts: int64 [rows + 1].
    """

    ids: NDArray[np.int32]
    learned: NDArray[np.bool_]
    starts: NDArray[np.int64]
    molecules: NDArray[np.int32]
    molecule_starts: NDArray[np.int64]

    @classmethod
    def build(cls, rows: Sequence[EncodedRow], places: Mapping[str, int]) -> "RowTable":
        """Lay rows end to end; ``places`` says where each molecule stands in the folder's list."""
        return cls(
            np.array([token for row in rows for token in row.ids], np.int32),
            np.array([learned for row in rows for learned in row.learned], np.bool_),
            np.cumsum([0, *(len(row.ids) for row in rows)], dtype=np.int64),
            np.array([places[smiles] for row in rows for smiles in row.molecules], np.int32),
            np.cumsum([0, *(len(row.molecules) for row in rows)], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, index: int, molecules: Sequence[str]) -> EncodedRow:
        """Return one row; ``molecules`` is the folder's list."""
        tokens = slice(*self.starts[index : index + 2])
        places = self.molecules[slice(*self.molecule_starts[index : index + 2])]
        return EncodedRow(
            tuple(self.ids[tokens].tolist()),
            tuple(self.learned[tokens].tolist()),
            tuple(molecules[place] for place in places),
        )

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` file per array."""
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> "RowTable":
        """Map the arrays of a folder into memory.

        Raises:
            DataError: A file is missing or damaged, or they do not fit together.
        """
        try:
            table = cls(**{f.name: np.load(folder / f"{f.name}.npy", mmap_mode="r") for f in fields(cls)})
        except (OSError, ValueError) as error:
            raise DataError(f"the rows of {str(folder)!r} cannot be read: {error}.") from error
        ends = (len(table.ids), len(table.learned), len(table.molecules), len(table.starts))
        if ends != (table.starts[-1], table.starts[-1], table.molecule_starts[-1], len(table.molecule_starts)):
            raise DataError(f"the rows of {str(folder)!r} do not fit together.", "Prepare them again.")
        return table


class Graphs(Mapping[str, MolecularGraph]):
    """The graphs of a folder by SMILES."""

    def __init__(self, molecules: Sequence[str], table: GraphTable) -> None:
        self._places = {smiles: place for place, smiles in enumerate(molecules)}
        self._table = table

    def __getitem__(self, smiles: str) -> MolecularGraph:
        return self._table[self._places[smiles]]

    def __contains__(self, smiles: object) -> bool:
        return smiles in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(frozen=True)
class RowFolder:
    """A prepared folder of rows with molecules."""

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> "RowFolder":
        """Read the manifest.

        Raises:
            DataError: The folder is absent or of another version.
        """
        try:
            manifest = json.loads((path / "manifest.json").read_text("utf-8"))
            kind, version = manifest["format"], manifest["version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{str(path)!r} is not a folder of rows with molecules: {error}.") from error
        if (kind, version) != (FORMAT, VERSION):
            raise DataError(f"{str(path)!r} is {kind!r} version {version!r}, not {FORMAT!r} version {VERSION}.")
        return cls(path, manifest)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of rows, in alphabetical order."""
        return tuple(sorted(self.manifest["rows"]))

    @cached_property
    def molecules(self) -> list[str]:
        """SMILES of all graphs."""
        return (self.path / "molecules.txt").read_text("utf-8").splitlines()

    @cached_property
    def graphs(self) -> Graphs:
        """Graphs of all molecules.

        Raises:
            DataError: They are damaged, or not as many as there are molecules.
        """
        table = GraphTable.load(self.path / "graphs")
        if len(table) != len(self.molecules):
            raise DataError(f"{str(self.path)!r} has {len(table)} graphs of {len(self.molecules)} molecules.")
        return Graphs(self.molecules, table)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the ids.

        Raises:
            ModelError: It is missing or damaged.
        """
        return Vocabulary.load(self.path / "vocabulary.json")

    def table(self, split: str, kind: str) -> RowTable:
        """Return the rows of one kind in one split.

        Raises:
            UnknownNameError: There are no such rows.
            DataError: They are damaged.
        """
        if kind not in self.kinds:
            raise UnknownNameError("kind of rows", kind, self.kinds)
        return RowTable.load(self.path / "rows" / split / kind)

    def row(self, table: RowTable, index: int) -> EncodedRow:
        """Return one row of a table of this folder."""
        return table.row(index, self.molecules)


def write_rows(
    path: Path,
    rows: Mapping[str, Mapping[str, Sequence[EncodedRow]]],
    graphs: Mapping[str, MolecularGraph],
    vocabulary: Vocabulary,
    facts: Mapping[str, Any],
) -> RowFolder:
    """Write a folder of rows.

    Args:
        path: Where to; what is there of the same name is replaced.
        rows: Split -> kind -> rows.
        graphs: SMILES -> graph of every molecule of every row.
        vocabulary: That of the ids.
        facts: More for the manifest, such as counts of what was left out.

    Raises:
        DataError: A molecule of a row has no graph.
    """
    used = sorted(set(_molecules(row for kinds in rows.values() for some in kinds.values() for row in some)))
    missing = [smiles for smiles in used if smiles not in graphs]
    if missing:
        raise DataError(f"molecule {missing[0]!r}, one of {len(missing)}, has no graph.")
    places = {smiles: place for place, smiles in enumerate(used)}
    (path / "graphs").mkdir(parents=True, exist_ok=True)
    GraphTable.build(graphs[smiles] for smiles in used).save(path / "graphs")
    (path / "molecules.txt").write_text("".join(f"{smiles}\n" for smiles in used), "utf-8")
    vocabulary.save(path / "vocabulary.json")
    for split, kinds in rows.items():
        for kind, some in kinds.items():
            RowTable.build(some, places).save(path / "rows" / split / kind)
    names = sorted({kind for kinds in rows.values() for kind in kinds})
    counts = {kind: {split: len(kinds.get(kind, ())) for split, kinds in rows.items()} for kind in names}
    manifest = {"format": FORMAT, "version": VERSION, "rows": counts, "vocabulary_sha256": vocabulary.sha256, **facts}
    (path / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return RowFolder.open(path)


def _molecules(rows: Iterable[EncodedRow]) -> Iterator[str]:
    return (smiles for row in rows for smiles in row.molecules)
