"""Reading queries from files, as users save them."""

import io
import lzma
import sys
from pathlib import Path

import polars as pl
import pytest

from retort.errors import InputFileError
from retort.inference.queries import checksum, read_columns, read_queries


def test_windows_files_with_a_mark_and_blank_lines_keep_every_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffinput,note\r\nCCO,x\r\n\r\n"C,C",y\r\n,z\r\n'.encode())
    assert read_queries(str(path)) == ["CCO", "", "C,C", ""]


def test_lines_of_text_keep_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffCCO\r\n\r\nCC C\r\n".encode())
    assert read_queries(str(path)) == ["CCO", "", "CC C"]


def test_smi_files_may_carry_names_and_fragment_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text("CCO ethanol\nCC\tethane gas\nC.C>>CC |f:0.1|\n\nCCC")
    assert read_queries(str(path)) == ["CCO", "CC", "C.C>>CC |f:0.1|", "", "CCC"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.xz", "a.jsonl.xz", "a.parquet.xz"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"x": ["CCO", None, "c1ccccc1"], "target": ["a", "b", "c"]})
    kind = name.removesuffix(".xz").rpartition(".")[2]
    buffer = io.BytesIO()
    if kind == "parquet":
        frame.write_parquet(buffer)
    elif kind == "jsonl":
        frame.write_ndjson(buffer)
    else:
        frame.write_csv(buffer, separator="\t" if kind == "tsv" else ",")
    data = buffer.getvalue()
    (tmp_path / name).write_bytes(lzma.compress(data) if name.endswith(".xz") else data)
    assert read_queries(str(tmp_path / name), "x") == ["CCO", "", "c1ccccc1"]
    assert read_columns(tmp_path / name, ("target", "x")) == [("a", "CCO"), ("b", ""), ("c", "c1ccccc1")]


@pytest.mark.parametrize("name", ["a.txt.xz", "a.smi.xz"])
def test_compressed_lines(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(lzma.compress(b"CCO\nCC\n"))
    assert read_queries(str(tmp_path / name)) == ["CCO", "CC"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"CCO\nCC\n")))
    assert read_queries("-") == ["CCO", "CC"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"smiles\nCCO\n", r"no column 'input'.*--column"),
        ("a.csv", b"inptu\nCCO\n", "Did you mean 'inptu'"),
        ("a.csv", b"input\n", "holds no query"),
        ("a.csv", b"", "cannot read"),
        ("a.txt", b"", "holds no query"),
        ("a.txt", b"CCO\nC\xff\n", "line 2: not UTF-8"),
        ("a.txt.xz", b"not compressed", "damaged"),
        ("a.csv.xz", b"not compressed", "damaged"),
        ("a.parquet", b"not parquet", "cannot read"),
        ("a.jsonl", b'{"input":', "cannot read"),
        ("a.docx", b"", "unknown kind"),
        ("queries", b"CCO\n", "unknown kind"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputFileError, match=words):
        read_queries(str(tmp_path / name))


@pytest.mark.parametrize("name", ["none.csv", "none.txt", "none.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputFileError, match=f"{name}.*No such file"):
        read_queries(str(tmp_path / name))


def test_the_checksum_sees_content_order_and_borders() -> None:
    texts = [["CC", "O"], ["O", "CC"], ["CCO"], ["CC", "O", ""], ["C", "CO"]]
    assert len({checksum(rows) for rows in texts}) == len(texts)
