"""The yield samples of T5Chem: Buchwald-Hartwig couplings of one high-throughput study."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs, percent
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "t5chem_samples/regression"


def _read(root: Path) -> Iterator[RawRow]:
    for split in ("train", "test"):
        files = (root / _FOLDER / f"{split}.{side}.txt.xz" for side in ("source", "target"))
        for line, source, target in line_pairs(*files):
            yield RawRow(
                id=f"t5chem_yields:{split}:{line}", split=split, reaction=source, yield_percent=percent(target)
            )


SOURCE = Source(
    name="t5chem_yields",
    title="T5Chem sample yields, Buchwald-Hartwig, with palladium complexes and solvent",
    origin="Lu and Zhang 2022 (T5Chem) from Ahneman et al. 2018",
    licence="not stated with the data",
    files=under(
        "t5chem_samples/regression",
        {
            "train.source.txt.xz": "2516dfd2e841f78f5ef3b9d7a9f14b80fc7feef9f548c2d1228945b942909dea",
            "train.target.txt.xz": "8e8c9aff669203f35636dd0c83c87e3b169af2968327c42c6dbc9aefacdb9d74",
            "test.source.txt.xz": "f78368c94c33bf3c31bebd481fd5af44340c870c10dbcdf530d2e2b7c3838787",
            "test.target.txt.xz": "959e96cf7b35ebf18b4c48430ed781980aba9241ea4b6e081e73223c951a6620",
        },
    ),
    rows={"train": 2_767, "test": 1_188},
    benchmark=True,
    how_to_get="data/C_N_yield.tar.bz2 of https://github.com/HelloJocelynLu/t5chem; compress each file with xz, put "
    "into t5chem_samples/regression/.",
    read=_read,
    note="The reactions of buchwald_hartwig. Only five products occur, so protection by product empties the other "
    "yield sets of this study: keep them in separate configurations.",
)
