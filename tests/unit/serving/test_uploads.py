"""A file of queries: n lines in, n rows out, whatever is in them."""

from pathlib import Path

import pytest

from retort.serving.problems import RefusalError
from retort.serving.uploads import LONGEST_LINE, SHOWN, Kind, Row, count_rows, kind_of, read_rows

BROKEN_CSV = b"""\xef\xbb\xbfid,input,note\r
1,CCO,fine\r
2,"CC,O",quoted
3,CCN
4,"CCC,unended
5,CCCC,\xff\xfe

7,CCCCC,"a ""word"" here"
8,C,D,E"""
EXPECTED_CSV = [
    ("CCO", ""),
    ("CC,O", ""),
    ("3,CCN", "line 4 has 2 cells where the header has 3."),
    ('4,"CCC,unended', "line 5 is not CSV: a quotation does not end in it."),
    ("5,CCCC,\\xff\\xfe", "line 6 is not UTF-8 text."),
    ("", "line 7 has 1 cells where the header has 3."),
    ("CCCCC", ""),
    ("8,C,D,E", "line 9 has 4 cells where the header has 3."),
]


def rows_of(path: Path, data: bytes, kind: Kind, column: str = "input", start: int = 0) -> list[Row]:
    path.write_bytes(data)
    return list(read_rows(path, kind, column, start))


@pytest.mark.parametrize("start", range(9))
def test_a_broken_line_of_a_table_disturbs_no_neighbour(tmp_path: Path, start: int) -> None:
    rows = rows_of(tmp_path / "input", BROKEN_CSV, "csv", start=start)
    assert rows == [Row(*pair) for pair in EXPECTED_CSV[start:]]


def test_lines_of_json_are_told_one_by_one(tmp_path: Path) -> None:
    data = b'{"smi": "CCO", "n": 1}\n{"smi": 3}\n[1]\n\n{"smi"\n{"other": "C"}\n{"smi": "C"}\n' + b"[" * 100_000
    rows = rows_of(tmp_path / "input", data, "jsonl", "smi")
    assert [bool(row.problem) for row in rows] == [False, True, True, True, True, True, False, True]
    assert rows[1].problem == "line 2: 'smi' is not text."
    assert rows[-1] == Row("[" * SHOWN, "line 8 is not a JSON object with the key 'smi'.")


def test_lines_of_text_keep_their_place(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "input", b"\xef\xbb\xbfCCO\r\n\nC\xff\nCCN", "text")
    assert rows == [Row("CCO"), Row(""), Row("C\\xff", "line 3 is not UTF-8 text."), Row("CCN")]


def test_an_endless_line_is_told_and_never_held_whole(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "input", b"C" * (LONGEST_LINE + 5) + b"\nCCO\n", "text")
    assert rows == [Row("C" * SHOWN, "line 1 is longer than 1,000,000 bytes."), Row("CCO")]


@pytest.mark.parametrize(
    ("data", "column", "status", "words"),
    [
        (b"", "input", 422, "must name the column 'input'"),
        (b"id,smiles\n1,CCO\n", "input", 422, "must name the column 'input'"),
        (b"input,input\nC,C\n", "input", 422, "once"),
        (b'"input\nC\n', "input", 422, "must name the column"),
        (b"\xff\nC\n", "input", 422, "must name the column"),
        (b"input\n", "input", 422, "holds no query"),
        (b"input\nC\nC\nC\nC\n", "input", 413, "larger than 3 rows"),
    ],
)
def test_a_table_without_its_column_or_rows_is_refused(
    tmp_path: Path, data: bytes, column: str, status: int, words: str
) -> None:
    (tmp_path / "input").write_bytes(data)
    with pytest.raises(RefusalError, match=words) as caught:
        count_rows(tmp_path / "input", "csv", column, 3)
    assert caught.value.status == status


def test_rows_are_counted_broken_ones_too(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(BROKEN_CSV)
    assert count_rows(tmp_path / "input", "csv", "input", 8) == len(EXPECTED_CSV)


def test_the_kind_is_told_by_the_content_type() -> None:
    assert kind_of("Text/CSV; charset=utf-8") == "csv"
    with pytest.raises(RefusalError, match="text/csv") as caught:
        kind_of("multipart/form-data")
    assert caught.value.status == 415
