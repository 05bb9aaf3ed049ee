"""Buchwald-Hartwig yields of Ahneman et al. 2018, with the sixteen published orderings."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import percent, sheets
from retort.data.records import RawRow
from retort.data.source import Source
from retort.data.sources._amination import amination

_FILE = "yields/buchwald_hartwig_all_splits.xlsx"
_COLUMNS = ("Ligand", "Additive", "Base", "Aryl halide")
_DEFAULT = "FullCV_01"
# Ordering -> the slices that are its test rows; the plates of one sheet are three splits.
_TEST = {f"FullCV_{fold:02}": {f"FullCV_{fold:02}": slice(2767, None)} for fold in range(1, 11)} | {
    "Test1": {"Test1": slice(3057, None)},
    "Test2": {"Test2": slice(3055, None)},
    "Test3": {"Test3": slice(3058, None)},
    "Test4": {"Test4": slice(3055, None)},
    "Plates1-3": {"Plate1": slice(0, 1075), "Plate2": slice(1075, 2515), "Plate3": slice(2515, 3955)},
    "Plate2_new": {"Plate2_new": slice(1075, 2515)},
}


def _read(root: Path) -> Iterator[RawRow]:
    tables = dict(sheets(root / _FILE))
    tested: dict[tuple[str, ...], list[str]] = {}
    for sheet, parts in _TEST.items():
        for part, chosen in parts.items():
            for row in tables[sheet][chosen]:
                tested.setdefault(_key(row), []).append(part)
    for line, row in enumerate(tables[_DEFAULT], 1):
        parts_of_row = tested.get(_key(row), [])
        ligand, additive, base, halide = _key(row)
        yield RawRow(
            id=f"buchwald_hartwig:{line}",
            split="test" if _DEFAULT in parts_of_row else "train",
            reaction=amination(halide, ligand, base, additive),
            yield_percent=percent(row["Output"]),
            label=",".join(parts_of_row) or None,
        )


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in _COLUMNS)


SOURCE = Source(
    name="buchwald_hartwig",
    title="Buchwald-Hartwig yields (HTE), split FullCV_01; label names every ordering that tests the row",
    origin="Ahneman et al. 2018, in the workbook of rxn_yields (Schwaller et al. 2021)",
    licence="not stated with the data",
    files={_FILE: "d7f318abfbb42eaadca482b1e9aa54540eeed60e0089b6a0eb4e75366c31ee2e"},
    rows={"train": 2_767, "test": 1_188},
    published_split=True,
    how_to_get="https://raw.githubusercontent.com/rxn4chemistry/rxn_yields/master/data/Buchwald-Hartwig/"
    "Dreher_and_Doyle_input_data.xlsx as yields/buchwald_hartwig_all_splits.xlsx; needs the extra [data].",
    read=_read,
    note="Products are derived from the halides (p-toluidine is the amine); precatalyst and DMSO are left out. The "
    "first rows of an ordering are its train rows: 2,767 of FullCV_*, 3,057/3,055/3,058/3,055 of Test1-4. Split by "
    "reaction: products recur.",
)
