"""What the property sets of MoleculeNet share: tables of SMILES with columns of 0 and 1, as DeepChem publishes them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import TextRow
from retort.data.source import Source
from retort.errors import DataError, InputFileError

_STORE = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets"
_LABELS = {"0": "0", "1": "1", "0.0": "0", "1.0": "1"}


def property_set(
    name: str, file: str, title: str, made_by: str, labels: Sequence[str], *, smiles: str = "smiles", note: str = ""
) -> Source:
    """Return a source whose rows ask one property of one molecule each.

    Args:
        name: Of the source.
        file: Name of the published table; ``.gz`` where it is compressed.
        title: One line for lists.
        made_by: Who measured or collected it.
        labels: Columns of labels; an empty cell is no row.
        smiles: Column of the molecules.
        note: What one must know before using it.
    """
    return Source(
        name=name,
        title=f"{title} (path to {file} or its folder)",
        origin=f"{made_by}; part of MoleculeNet (Wu et al. 2018)",
        licence="not stated by MoleculeNet: do not redistribute",
        read=_reader(name, file, labels, smiles),
        kind="texts",
        how_to_get=f"{_STORE}/{file}; then path = that file, unpacked or not.",
        note=f"kind: the property; output: 0 or 1. No split is published: cut it by scaffold. {note}".rstrip(),
    )


def _reader(name: str, file: str, labels: Sequence[str], smiles: str) -> Callable[[Path], Iterator[TextRow]]:
    def read(path: Path) -> Iterator[TextRow]:
        found = path if path.is_file() else _inside(path, file)
        for line, row in enumerate(table_rows(found), 1):
            if not row.keys() >= {smiles, *labels}:
                raise InputFileError(f"{found} lacks {smiles} or {', '.join(labels)}.", f"It has: {', '.join(row)}.")
            for label in labels:
                if row[label].strip():
                    yield _row(f"{name}:{line}:{label}", label, row[smiles].strip(), row[label].strip())

    return read


def _row(row_id: str, label: str, smiles: str, value: str) -> TextRow:
    if value not in _LABELS or not smiles:
        raise DataError(f"row {row_id} has the molecule {smiles!r} and the label {value!r}.", "Fetch the file again.")
    return TextRow(row_id, "all", label, smiles, _LABELS[value])


def _inside(folder: Path, file: str) -> Path:
    for name in (file, file.removesuffix(".gz")):
        if (folder / name).is_file():
            return folder / name
    raise InputFileError(f"{folder} holds no {file}.", "Name the file or its folder.")
