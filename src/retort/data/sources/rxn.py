"""A user's RXN file, RDF file, or folder of them: one reaction per RXN block.

An RDF file is a list of RXN blocks with named values behind each (``$DTYPE`` and ``$DATUM``; "CTfile Formats", BIOVIA,
chapter "RDfiles"). Names differ from program to program; one that ends in ``YIELD`` or ``YEAR`` is read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from retort.chem.rxn_block import START, read_rxn_block
from retort.data.files import lines, own_maps, percent
from retort.data.records import RawRow
from retort.data.source import Source
from retort.errors import ChemistryError, InputFileError

_SUFFIXES = (".rxn", ".rdf")
_VALUE = re.compile(r"^\$DTYPE\s+(\S.*?)\s*\n\$DATUM\s+(.*)$", re.MULTILINE)
_IDENTIFIER = re.compile(r"\$R[EI]REG\s+(\S+)")
_ENTRY = ("$RFMT", "$RIREG", "$REREG")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _read(path: Path) -> Iterator[RawRow]:
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if _is_ours(f))
    if not files:
        raise InputFileError(f"{str(path)!r} holds no file that ends in {' or '.join(_SUFFIXES)}.")
    for file in files:
        name = file.name if file == path else file.relative_to(path).as_posix()
        for number, entry in enumerate(_entries(file), 1):
            yield _row(f"{name}:{number}", entry)


def _is_ours(path: Path) -> bool:
    return bool({suffix.lower() for suffix in path.suffixes[-2:]} & set(_SUFFIXES))


def _entries(file: Path) -> Iterator[str]:
    """Yield the text of every reaction: its block, with what stands before and behind it.

    Raises:
        InputFileError: The file cannot be read, or holds no RXN block.
    """
    entry: list[str] = []
    found = 0
    for line in lines(file):
        begins = line.startswith(_ENTRY) or (line.startswith(START) and not (entry and entry[-1].startswith(_ENTRY)))
        if begins and any(START in known for known in entry):
            yield "\n".join(entry)
            entry = []
        found += line.startswith(START)
        entry.append(line)
    if not found:
        raise InputFileError(f"{str(file)!r} holds no RXN block.", f"A block begins with the line {START}.")
    yield "\n".join(entry)


def _row(name: str, entry: str) -> RawRow:
    """Return the row of one entry; one that cannot be read is refused when it is cleaned, with its reason."""
    head, _, rest = entry.partition(START)
    block = f"{START}{rest.partition('$DTYPE')[0]}"
    values = {key.upper(): text.strip() for key, text in _VALUE.findall(entry)}
    registered = _IDENTIFIER.search(head)
    try:
        reaction = read_rxn_block(block).with_groups()
    except ChemistryError as error:
        reaction = str(error)
    mapped = re.search(r":\d+\]", reaction) and ">>" in reaction
    return RawRow(
        id=name,
        split="all",
        reaction=reaction,
        roles="from_maps" if mapped else "given",
        mapped=own_maps(reaction),
        origin=registered.group(1) if registered else "",
        year=_year(values),
        yield_percent=percent(_number(values, "YIELD")),
    )


def _year(values: dict[str, str]) -> int | None:
    found = _number(values, "YEAR")
    return None if found is None else int(float(found))


def _number(values: dict[str, str], ending: str) -> str | None:
    """Return the first number of the first value whose name ends so; None where there is none."""
    found = (_NUMBER.search(text) for name, text in values.items() if name.endswith(ending))
    return next((match.group() for match in found if match), None)


SOURCE = Source(
    name="rxn",
    title="RXN or RDF file (V2000 or V3000), or a folder of them",
    origin="your own file",
    licence="yours",
    how_to_get="Your own file: path = 'FILE'.",
    read=_read,
    suffixes=_SUFFIXES,
    note="Agents are reagents; mapped reactions without agents get their roles from the maps. Of the values of an RDF "
    "file, those whose name ends in YIELD or YEAR are read. A broken block is a refused row, not the end of the file.",
)
