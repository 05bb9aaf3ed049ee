"""Property sets in the published column layout: three rows each, missing labels, damaged ones, compressed files."""

import gzip
from pathlib import Path

import pytest

from retort.data.records import TextRow
from retort.data.source import SOURCES
from retort.errors import DataError, InputFileError

TOX21 = SOURCES.get("tox21")
HEADER = "NR-AR,NR-AR-LBD,NR-AhR,NR-Aromatase,NR-ER,NR-ER-LBD,NR-PPAR-gamma"
HEADER += ",SR-ARE,SR-ATAD5,SR-HSE,SR-MMP,SR-p53,mol_id,smiles"
TABLE = f"{HEADER}\n0,,1,,,,,,,,,,TOX1,CCO\n,,,,,,,,,,,,TOX2,CCN\n,,,,,,,,,,,0.0,TOX3,CCC\n"


def test_one_row_per_molecule_and_measured_assay(tmp_path: Path) -> None:
    (tmp_path / "tox21.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    found = list(TOX21.read(tmp_path))
    assert found == [
        TextRow("tox21:1:NR-AR", "all", "NR-AR", "CCO", "0"),
        TextRow("tox21:1:NR-AhR", "all", "NR-AhR", "CCO", "1"),
        TextRow("tox21:3:SR-p53", "all", "SR-p53", "CCC", "0"),
    ]
    (tmp_path / "tox21.csv").write_text(TABLE)
    assert list(TOX21.read(tmp_path / "tox21.csv")) == found


def test_two_labels_of_one_drug_are_two_rows(tmp_path: Path) -> None:
    (tmp_path / "clintox.csv").write_text("smiles,FDA_APPROVED,CT_TOX\nCCO,1,0\nCCN,0,1\nCCC,1,0\n")
    rows = [row for row in SOURCES.get("clintox").read(tmp_path) if isinstance(row, TextRow)]
    assert [(row.kind, row.input, row.output) for row in rows[:2]] == [
        ("FDA_APPROVED", "CCO", "1"),
        ("CT_TOX", "CCO", "0"),
    ]
    assert len(rows) == 6


@pytest.mark.parametrize("row", ["CCO,yes,2", "CCO,CI,-1", ",CI,1"])
def test_damaged_rows_are_refused(tmp_path: Path, row: str) -> None:
    (tmp_path / "HIV.csv").write_text(f"smiles,activity,HIV_active\nCCC,CI,0\n{row}\n")
    with pytest.raises(DataError, match="hiv:2:HIV_active"):
        list(SOURCES.get("hiv").read(tmp_path))


def test_another_table_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"BBBP\.csv"):
        list(SOURCES.get("bbbp").read(tmp_path))
    (tmp_path / "BBBP.csv").write_text("smiles,label\nCCO,1\n")
    with pytest.raises(InputFileError, match="p_np"):
        list(SOURCES.get("bbbp").read(tmp_path))
