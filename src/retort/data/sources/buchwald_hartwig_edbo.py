"""The Buchwald-Hartwig screen of Ahneman et al. 2018 in the plate order of EDBO."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import percent, table_rows
from retort.data.records import RawRow
from retort.data.source import Source
from retort.data.sources._amination import amination

_FILE = "yields/aryl_amination_edbo.csv.xz"
_REAGENTS = ("Ligand_SMILES", "Base_SMILES", "Additive_SMILES")


def _read(root: Path) -> Iterator[RawRow]:
    for row in table_rows(root / _FILE):
        yield RawRow(
            id=f"buchwald_hartwig_edbo:{row['entry']}",
            split="all",
            reaction=amination(row["Aryl_halide_SMILES"], *(row[column] for column in _REAGENTS)),
            yield_percent=percent(row["yield"]),
        )


SOURCE = Source(
    name="buchwald_hartwig_edbo",
    title="Buchwald-Hartwig yields (HTE) in plate order, without a split",
    origin="Ahneman et al. 2018, in the table of EDBO (Shields et al. 2021)",
    licence="not stated with the data",
    files={_FILE: "fe29dd363296abbaa801f48263d95461463c672606c66a492f2443982248d55a"},
    rows={"all": 3_955},
    how_to_get="Aryl amination table of https://github.com/b-shields/edbo; compress with xz into yields/.",
    read=_read,
    note="The reactions of buchwald_hartwig, readable without Excel. Products derived; precatalyst and DMSO left out.",
)
