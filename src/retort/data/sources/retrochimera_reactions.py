"""The small mapped patent set that comes with RetroChimera."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import RawRow
from retort.data.source import Source

_FILE = "stock/retrochimera_uspto_reactions.smi.xz"


def _read(root: Path) -> Iterator[RawRow]:
    for line, reaction in enumerate(lines(root / _FILE), 1):
        yield RawRow(id=f"retrochimera_reactions:{line}", split="all", reaction=reaction, roles="from_maps")


SOURCE = Source(
    name="retrochimera_reactions",
    title="RetroChimera's sample of mapped patent reactions, without reagents",
    origin="RetroChimera (Maziarz et al.) from D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files={_FILE: "d5f4d7eb868e38c9d002e7ccfc3f6741b79e33706556c4bcd53f163f9bd868ed"},
    rows={"all": 630},
    how_to_get="https://github.com/microsoft/retrochimera; compress with xz into stock/.",
    read=_read,
    note="137 of its 630 products are protected ones, as in USPTO-50k at large: apply the leak rule.",
)
