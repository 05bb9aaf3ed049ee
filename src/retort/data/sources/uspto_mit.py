"""USPTO-MIT (480k), validation file: mapped precursors with reagents, no stereo."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.records import RawRow
from retort.data.source import Source, open_text

_FILE = "uspto_mit/uspto480k_valid.txt.xz"


def _read(root: Path) -> Iterator[RawRow]:
    with open_text(root / _FILE) as file:
        for line, text in enumerate(file, 1):
            reaction, _, _ = text.partition(" ")
            yield RawRow(id=f"uspto_mit:{line}", split="all", reaction=reaction, roles="from_maps")


SOURCE = Source(
    name="uspto_mit",
    title="USPTO-MIT validation file, mapped, with reagents, without stereo",
    origin="Jin et al. 2017 (rexgen) from D. Lowe's patent text mining",
    licence="CC0-1.0",
    files={_FILE: "4aac42558e2eaf871791481807f43267b103e7f4d8bdbe4975f152149a85f50c"},
    rows={"all": 30_000},
    how_to_get="valid.txt in https://github.com/wengong-jin/nips17-rexgen/raw/master/USPTO/data.zip; compress with xz "
    "as uspto_mit/uspto480k_valid.txt.xz.",
    read=_read,
    note="Reagents are the precursors none of whose atoms occurs in the product. No stereo at all.",
)
