"""A stock of SMILES or InChIKeys."""

from pathlib import Path

import pytest

from retort.data.source import SOURCES
from retort.errors import InputFileError
from retort.inference.stock import Stock, inchi_key

ETHANOL = "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


def stock(tmp_path: Path, text: str, name: str = "stock.txt") -> Stock:
    (tmp_path / name).write_text(text)
    return Stock.load(tmp_path / name)


def test_smiles_are_compared_in_canonical_form(tmp_path: Path) -> None:
    found = stock(tmp_path, "OCC\n\nC(C)(=O)Cl\nN[C@@H](C)C(=O)O\n")
    assert found.of(["CCO", "CC(=O)Cl", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CCN"]) == {
        "CCO": True,
        "CC(=O)Cl": True,
        "C[C@H](N)C(=O)O": True,
        "C[C@@H](N)C(=O)O": False,
        "CCN": False,
    }


def test_keys_and_smiles_may_be_mixed_and_the_rest_is_counted(tmp_path: Path) -> None:
    found = stock(tmp_path, f"{ETHANOL}\nCCN\nC1CC\nsome name\n{ETHANOL}\n")
    assert found.of(["CCO", "CCN", "CCC"]) == {"CCO": True, "CCN": True, "CCC": False}
    assert (len(found), found.unreadable) == (2, 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stock.csv", f"price,inchikey\n3,{ETHANOL}\n"),
        ("stock.csv", "smiles,price\nOCC,3\n"),
        ("stock.jsonl", '{"SMILES": "CCO"}\n'),
        ("stock.smi", "OCC ethanol\n"),
    ],
)
def test_a_column_or_lines(tmp_path: Path, name: str, text: str) -> None:
    assert "CCO" in stock(tmp_path, text, name)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("stock.txt", "C1CC\n", "no entry"),
        ("stock.csv", "price\n3\n", "no column 'inchikey'"),
        ("stock.txt", "", "no query"),
        ("stock.xlsx", "x", "unknown kind"),
    ],
)
def test_a_file_without_a_stock_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputFileError, match=words):
        stock(tmp_path, text, name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot read"):
        Stock.load(tmp_path / "none.txt")


def test_the_published_stock_is_read(data_root: Path) -> None:
    name = next(iter(SOURCES.get("paroutes_stock").files))
    found = Stock.load(data_root / name)
    assert (len(found.keys), len(found.smiles), found.unreadable) == (13_633, 0, 0)
    assert "CC(=O)Cl" in found


def test_the_key_of_a_molecule() -> None:
    assert inchi_key("OCC") == inchi_key("CCO") == ETHANOL
