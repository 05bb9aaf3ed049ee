"""USPTO-50k with the standard (Dai) split: the benchmark of retrosynthesis and of reaction classes."""

import csv
from collections.abc import Iterator
from pathlib import Path

from retort.data.records import RawRow
from retort.data.source import Source, open_text

_ROWS = "uspto_50k/uspto50k_mhn_all_splits.csv.xz"
_MAPS = "uspto_50k/uspto50k_mapped.csv.xz"


def _read(root: Path) -> Iterator[RawRow]:
    with open_text(root / _MAPS) as file:
        maps = {row["row"]: row["mapped_reaction"] for row in csv.DictReader(file)}
    with open_text(root / _ROWS) as file:
        for row in csv.DictReader(file):
            yield RawRow(
                id=f"uspto_50k:{row['']}",
                split=row["split"],
                reaction=f"{row['reactants_can']}>>{row['prod_smiles']}",
                mapped=maps.get(row[""]) or None,
                reaction_class=int(row["class"]),
                origin=row["id"],
                year=int(float(row["year"])) if row["year"] else None,
            )


SOURCE = Source(
    name="uspto_50k",
    title="USPTO-50k, standard (Dai) split, ten reaction classes, stereo, no reagents",
    origin="Schneider et al. 2016 from D. Lowe's patent text mining; split of Dai et al. 2019; table of MHNreact",
    licence="CC0-1.0",
    files={
        _ROWS: "f3bd75f2949a6b3a49d5d204eaa9d63a1e86f89421cdafc069e0f0e4147b1e0b",
        _MAPS: "d5f51b45f3821795a3e8a68bd79bceb8b51dffb02d674879a58e976b355a085c",
    },
    rows={"train": 40_008, "valid": 5_001, "test": 5_007},
    benchmark=True,
    how_to_get="Table of https://github.com/ml-jku/mhn-react (uspto_50k_mhn), compressed with xz, into uspto_50k/; the "
    "maps follow from the templates of its rows.",
    read=_read,
    note="Raw mapped files elsewhere leak the reaction centre by atom order; maps serve alignment of train rows alone.",
)
