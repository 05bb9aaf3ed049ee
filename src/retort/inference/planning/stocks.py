"""The stock of a plan: a file, or a published list by the name of its source."""

from pathlib import Path

from retort.data.records import MoleculeRow
from retort.data.source import SOURCES
from retort.errors import InputFileError
from retort.inference.stock import Stock


def load_stock(name: str) -> Stock:
    """Read a stock.

    Args:
        name: A file, see :meth:`Stock.load`, or a source of InChI keys, such as ``paroutes_stock``; behind a colon
            stands which of its lists, ``paroutes_stock:n5``.

    Raises:
        InputFileError: The file cannot be read or has no molecule, or the source has no such list.
        DataError: The files of the source are not here.
    """
    source, _, part = name.partition(":")
    if Path(name).exists() or source not in SOURCES.names():
        return _read(name)
    found = SOURCES.get(source)
    prefix = f"{source}:{part}:" if part else f"{source}:"
    rows = (row for row in found.read(found.root()) if isinstance(row, MoleculeRow) and row.text_kind == "inchikey")
    keys = frozenset(row.text for row in rows if row.id.startswith(prefix))
    if not keys:
        raise InputFileError(f"source {name!r} is no list of InChI keys.", "Name a file of SMILES or InChI keys.")
    return Stock(frozenset(), keys, 0, "")


def _read(name: str) -> Stock:
    try:
        return Stock.load(name)
    except InputFileError as error:
        raise InputFileError(
            f"no stock to plan from: {error.message}",
            "Give SMILES or InChI keys, one a line, or a table with a column smiles or inchikey.",
        ) from error
