"""What the readers of the sources share: lines, pairs of lines, tables, JSON, sheets."""

import csv
import json
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from retort.chem.reaction import Reaction
from retort.chem.smiles import map_numbers
from retort.data.source import open_text
from retort.errors import ChemistryError, DataError, InputFileError, MissingExtraError

EXTRA = "data"
LARGEST_YIELD = 100.0  # %; text miners find larger ones, which are errors


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file without their ends.

    Raises:
        InputFileError: The file cannot be read, or is no text in UTF-8.
    """
    try:
        with open_text(path) as file:
            for line in file:
                yield line.rstrip("\r\n")
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputFileError(f"cannot read {str(path)!r}: {why}.", "Text must be UTF-8.") from error


def line_pairs(first: Path, second: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (number from 1, line of the first file, line of the second).

    Raises:
        DataError: One file has more lines than the other.
    """
    left, right = lines(first), lines(second)
    for number, line in enumerate(left, 1):
        other = next(right, None)
        if other is None:
            raise DataError(f"{second} ends before line {number} of {first}.", "Fetch both files again.")
        yield number, line, other
    if next(right, None) is not None:
        raise DataError(f"{second} has more lines than {first}.", "Fetch both files again.")


def table_rows(path: Path, delimiter: str = ",", *, quoted: bool = True) -> Iterator[dict[str, str]]:
    """Yield the rows of a text table with a header, every cell as text.

    Raises:
        DataError: A row has more or fewer cells than the header.
    """
    with open_text(path) as file:
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        for row in csv.DictReader(file, delimiter=delimiter, quoting=quoting):
            if None in row or None in row.values():
                raise DataError(f"{path} has a row that does not fit its header: {str(row)[:200]}.")
            yield row


def json_rows(path: Path) -> list[dict[str, Any]]:
    """Read a JSON file that holds one list of objects; raises DataError where it holds anything else."""
    with open_text(path) as file:
        rows = json.load(file)
    if not isinstance(rows, list):
        raise DataError(f"{path} holds {type(rows).__name__}, not a list.")
    return rows


def sheets(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (name, rows) of every sheet of an Excel workbook that has any row.

    Raises:
        MissingExtraError: The reader of workbooks is not installed.
    """
    try:
        import fastexcel
    except ImportError as error:
        raise MissingExtraError("reading Excel workbooks", EXTRA) from error
    workbook = fastexcel.read_excel(path)
    for name in workbook.sheet_names:
        sheet = workbook.load_sheet(name)
        if sheet.height:
            yield name, sheet.to_polars().to_dicts()


def untokenized(text: str) -> str:
    """Join the tokens of a SMILES that was written with spaces between them."""
    return text.replace(" ", "")


def percent(value: str | float | None) -> float | None:
    """Return a yield in percent, or None where there is none or it lies outside 0..100."""
    number = None if value in (None, "", "NA") else float(value)
    return number if number is not None and 0 <= number <= LARGEST_YIELD else None


def own_maps(reaction: str) -> str | None:
    """Return ``reactants>>products`` of a reaction that is written with atom maps; None where it has none.

    A reaction that cannot be read has none: cleaning will say so.
    """
    if not map_numbers(reaction):
        return None
    try:
        read = Reaction.parse(reaction)
    except ChemistryError:
        return None
    numbers = map_numbers(".".join(read.products))
    mapped = [part for compound in read.reactants for part in compound.split(".") if map_numbers(part) & numbers]
    return f"{'.'.join(mapped)}>>{'.'.join(read.products)}" if mapped else None


_CONDITIONS = ("catalyst", "solvent", "reagent", "temperature", "time")


def conditions(**parts: str | Iterable[str | None] | None) -> str | None:
    """Write labels such as ``catalyst=[Pd]; solvent=O.CCO``: components joined by ``.``, empty parts left out."""
    texts = {
        name: part if isinstance(part, str) else ".".join(dict.fromkeys(filter(None, part or ())))
        for name, part in parts.items()
    }
    return "; ".join(f"{name}={text}" for name, text in texts.items() if text) or None


def condition_parts(label: str | None) -> dict[str, str]:
    """Read back what :func:`conditions` wrote: name -> text; nothing where there is no label of that kind."""
    found = (part.partition("=") for part in (label or "").split("; "))
    return {name: text for name, _, text in found if name in _CONDITIONS and text}
