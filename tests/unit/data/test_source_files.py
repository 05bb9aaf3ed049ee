"""What the readers of the sources share, and where they refuse a file."""

from pathlib import Path

import pytest

from retort.data.clean import clean
from retort.data.files import conditions, json_rows, line_pairs, lines, own_maps, percent, table_rows, untokenized
from retort.data.protobuf import Message
from retort.data.records import RawRow, Rejection
from retort.data.source import SOURCES
from retort.errors import DataError, InputFileError


def test_lines_lose_their_ends_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes(b"one \r\n\ntwo")
    assert list(lines(path)) == ["one ", "", "two"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"absent\.txt"):
        list(lines(tmp_path / "absent.txt"))


@pytest.mark.parametrize(("left", "right"), [("a\nb\n", "1\n"), ("a\n", "1\n2\n")])
def test_files_of_different_length_are_refused(left: str, right: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text(left)
    second.write_text(right)
    with pytest.raises(DataError, match=r"second\.txt"):
        list(line_pairs(first, second))


def test_pairs_are_numbered_from_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x\ny\n")
    assert list(line_pairs(tmp_path / "a", tmp_path / "a")) == [(1, "x", "x"), (2, "y", "y")]


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_that_does_not_fit_its_header_is_refused(row: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"a,b\n{row}\n")
    with pytest.raises(DataError, match="header"):
        list(table_rows(tmp_path / "rows.csv"))


def test_quotes_belong_to_the_text_where_cells_are_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text('a\tb\n"x\ty"\n')
    assert list(table_rows(tmp_path / "rows.tsv", "\t", quoted=False)) == [{"a": '"x', "b": 'y"'}]


def test_json_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"a": 1}')
    with pytest.raises(DataError, match="dict"):
        json_rows(tmp_path / "rows.json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12.5", 12.5), (0, 0.0), (100.0, 100.0), (100.1, None), (-1, None), ("", None), ("NA", None), (None, None)],
)
def test_yields_outside_of_the_scale_are_absent(value: str | float | None, expected: float | None) -> None:
    assert percent(value) == expected


def test_conditions_keep_order_and_leave_out_what_is_empty() -> None:
    assert conditions(catalyst=["[Pd]", "[Pd]"], solvent=["CO", None, "O"], time="1 hour", base="") == (
        "catalyst=[Pd]; solvent=CO.O; time=1 hour"
    )
    assert conditions(catalyst=[], time=None) is None


def test_tokens_are_joined() -> None:
    assert untokenized("C [C@H] ( Br ) O") == "C[C@H](Br)O"


# Examples of the format's documentation: 150 in field 1, "testing" in field 2, a message with 150 in field 3.
ENCODED = b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01"


def test_messages_are_read_by_field_number() -> None:
    message = Message(ENCODED + b"\x25\x00\x00\x48\x41" + b"\x29" + bytes(8))
    assert message.integer(1) == 150
    assert message.text(2) == "testing"
    assert message.message(3).integer(1) == 150
    assert message.message(9, 9).text(1) == ""
    assert message.float32(4) == 12.5
    assert message.float32(1) is None
    assert len(message.messages(3)) == 1


@pytest.mark.parametrize("data", [ENCODED[:1], ENCODED[:2], ENCODED[:8], b"\x0b\x00"])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="protocol buffer"):
        Message(data)


@pytest.mark.parametrize(
    ("reaction", "mapped"),
    [
        ("[CH3:1][OH:9].[NH2:2]C>ClCCl>[CH3:1][NH:2]C", "[CH3:1][OH:9].[NH2:2]C>>[CH3:1][NH:2]C"),
        ("[CH3:1][OH:9].ClCCl.[NH2:2]C>>[CH3:1][NH:2]C", "[CH3:1][OH:9].[NH2:2]C>>[CH3:1][NH:2]C"),
        ("[Na+]~[CH2-:1]C>>[CH3:1]C", "[CH2-:1]C>>[CH3:1]C"),
        ("CO.NC>>CNC", None),
        ("[CH3:1]O>>CN", None),
        ("[CH3:1]O", None),
    ],
)
def test_a_reaction_that_is_written_with_maps_brings_them(reaction: str, mapped: str | None) -> None:
    assert own_maps(reaction) == mapped


def test_an_empty_cell_of_a_table_is_a_row_that_cleaning_refuses(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("reaction,id\nCC>>CO,a\n,b\n")
    rows = list(SOURCES.get("table").read(tmp_path / "rows.csv"))
    assert [row.reaction for row in rows if isinstance(row, RawRow)] == ["CC>>CO", ""]
    assert isinstance(clean(rows[1], "table"), Rejection)  # type: ignore[arg-type]
