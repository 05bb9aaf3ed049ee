"""Building an index: every row is indexed or counted, whole or not at all."""

import csv
import json
from pathlib import Path

import pytest

from retort.errors import InputFileError, OutputError
from retort.inference.precedents import CARD, ReactionIndex
from retort.recipes.reaction_index import IndexRequest, build_index

ROWS = [
    ("CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "US1"),
    ("NCc1ccccc1.CC(Cl)=O>>C(C)(=O)NCc1ccccc1", "US2"),  # the same, spelled otherwise
    ("CCO.CC(=O)O>OS(=O)(=O)O>CCOC(C)=O", "page 7"),
    ("C1CC>>CC", "bad"),
    ("not a reaction", "bad"),
    (">>CCO", "bad"),
    ("[CH3:1][Br:2].[OH2:3].CCN>>[CH3:1][OH:3]", "mapped"),
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("reaction", "page"), *ROWS])
    return tmp_path / "rows.csv"


def test_every_row_is_indexed_or_counted(table: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    request = IndexRequest(table, tmp_path / "index", id_column="page")
    built = build_index(request, lambda done, of: seen.append((done, of)))
    assert (built.rows, built.reactions, sum(built.refused.values())) == (7, 3, 3)
    assert seen[-1] == (7, 7)
    card = json.loads((tmp_path / "index" / CARD).read_text())
    assert (card["rows"], card["reactions"], card["refused"]) == (7, 3, built.refused)
    assert len(ReactionIndex.open(tmp_path / "index")) == 3


def test_a_reaction_of_several_rows_has_all_their_ids(table: Path, tmp_path: Path) -> None:
    build_index(IndexRequest(table, tmp_path / "index", id_column="page"))
    (found,) = ReactionIndex.open(tmp_path / "index").search(ROWS[0][0], 1)
    assert (found.reaction, found.similarity, found.id) == (ROWS[0][0], 1.0, "US1; US2")


def test_maps_tell_reagents_and_are_dropped(table: Path, tmp_path: Path) -> None:
    build_index(IndexRequest(table, tmp_path / "index", id_column="page"))
    (found,) = ReactionIndex.open(tmp_path / "index").search("CBr.O>>CO", 1)
    assert (found.reaction, found.id) == ("CBr.O>CCN>CO", "mapped")


def test_processes_make_the_same_index(table: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        build_index(IndexRequest(table, tmp_path / str(workers), id_column="page", workers=workers))
    one, two = (json.loads((tmp_path / n / CARD).read_text())["files"] for n in "12")
    assert one == two


def test_without_ids(table: Path, tmp_path: Path) -> None:
    build_index(IndexRequest(table, tmp_path / "index"))
    assert ReactionIndex.open(tmp_path / "index").search("CCO", 1)[0].id == ""


def test_a_new_index_takes_the_place_of_an_old_one(table: Path, tmp_path: Path) -> None:
    build_index(IndexRequest(table, tmp_path / "index"))
    table.write_text("reaction\nCCO.CC(=O)O>>CCOC(C)=O\n")
    build_index(IndexRequest(table, tmp_path / "index"))
    assert len(ReactionIndex.open(tmp_path / "index")) == 1


def test_a_folder_that_is_no_index_is_left_alone(table: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="exists and is no index"):
        build_index(IndexRequest(table, tmp_path))


def test_nothing_readable_writes_nothing(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("reaction\nC1CC>>CC\n")
    with pytest.raises(InputFileError, match="no reaction that can be read"):
        build_index(IndexRequest(table, tmp_path / "index"))
    assert not (tmp_path / "index").exists()


def test_an_output_that_cannot_be_written_is_said(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        build_index(IndexRequest(table, tmp_path / "file" / "index"))
    assert (tmp_path / "file").read_text() == ""
