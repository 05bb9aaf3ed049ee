"""A stock meets the same molecule in any spelling, and nothing else."""

import lzma
from pathlib import Path

import pytest

from retort.errors import InputFileError
from retort.inference.stock import Stock, inchi_key

ETHANOL = "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"
SERINE = "N[C@@H](CO)C(=O)O"


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_lines_may_be_smiles_or_keys(tmp_path: Path) -> None:
    stock = Stock.load(written(tmp_path / "shelf.txt", f"{ETHANOL}\n\nC1=CC=CC=C1\n{SERINE}\n[Na+].[Cl-]\n"))
    assert (len(stock), stock.name, stock.unreadable, stock.first_unreadable) == (4, "shelf.txt", 0, "")
    assert all(smiles in stock for smiles in ("OCC", "CCO", "c1ccccc1", "OC[C@H](N)C(O)=O", "[Cl-].[Na+]"))
    assert not any(smiles in stock for smiles in ("CO", "N[C@H](CO)C(=O)O", "NC(CO)C(=O)O", "[Na+]", "", "C1CC", 5))


def test_keys_tell_stereochemistry(tmp_path: Path) -> None:
    stock = Stock.of([inchi_key(SERINE)], "keys")
    assert SERINE in stock
    assert "NC(CO)C(=O)O" not in stock


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    stock = Stock.load(written(tmp_path / "shelf.smi", "CCO ethanol\nC1CC broken\n\nhello\nCC\n"))
    assert (len(stock), stock.unreadable, stock.first_unreadable) == (2, 2, "line 2: 'C1CC'")


@pytest.mark.parametrize("head", ["SMILES", "inchi_key", "whatever"])
def test_a_table_has_a_column_of_molecules(tmp_path: Path, head: str) -> None:
    assert "OCC" in Stock.load(written(tmp_path / "shelf.csv", f"{head}\n{ETHANOL}\nCC\n"))


def test_the_column_may_be_named(tmp_path: Path) -> None:
    table = written(tmp_path / "shelf.csv", "molecule,price\nCCO,1\n")
    assert "CCO" in Stock.load(table, "molecule")
    with pytest.raises(InputFileError, match=r"no column of molecules.*smiles, inchikey"):
        Stock.load(table)


def test_compressed_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "shelf.txt.xz").write_bytes(lzma.compress(b"CCO\n"))
    assert "CCO" in Stock.load(tmp_path / "shelf.txt.xz")


@pytest.mark.parametrize("text", ["", "\n\n", "C1CC\nhello\n"])
def test_an_empty_stock_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputFileError, match=r"'shelf.txt' holds no molecule"):
        Stock.load(written(tmp_path / "shelf.txt", text))


def test_a_missing_file_and_an_unfit_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot read"):
        Stock.load(tmp_path / "none.txt")
    with pytest.raises(InputFileError, match="holds reactions, no list of molecules"):
        Stock.load("uspto_50k")


def test_a_published_stock_is_read_by_its_name(data_root: Path) -> None:
    stock = Stock.load("paroutes_stock:n5")
    assert (len(stock), stock.unreadable, stock.name) == (13_783, 0, "paroutes_stock:n5")
    assert "O=C(O)c1ccccc1" in stock
    assert len(Stock.load("paroutes_stock")) > len(stock)
