"""A user's text file of reaction SMILES, one a line, with or without maps and fragment groups."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import own_maps
from retort.data.records import RawRow, Roles
from retort.data.source import Source, open_text


def _read(path: Path) -> Iterator[RawRow]:
    with open_text(path) as file:
        for line, text in enumerate(map(str.strip, file), 1):
            if not text:
                continue
            mixed = text.count(">>") == 1 and ":" in text.partition(">>")[2]
            roles: Roles = "from_maps" if mixed else "given"
            yield RawRow(f"{path.name}:{line}", "all", text, roles, mapped=own_maps(text))


SOURCE = Source(
    name="reaction_smiles",
    title="text file of reaction SMILES, one a line",
    origin="your own file",
    licence="yours",
    how_to_get="Your own file: path = 'FILE'.",
    read=_read,
    suffixes=(".smi", ".rsmi", ".txt"),
    note="Mapped lines without reagents between the arrows get their roles from the maps.",
)
