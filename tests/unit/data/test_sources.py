"""Sources: cards are complete, readers find the rows that their files hold."""

from itertools import islice
from pathlib import Path

import pytest

from retort.data.clean import Clean, clean
from retort.data.source import SOURCES, Source
from retort.errors import DataError, InputFileError

NAMED = SOURCES.names()
PUBLISHED = [name for name in NAMED if SOURCES.get(name).files]


def test_the_sources_are_found() -> None:
    assert {"uspto_50k", "uspto_mit", "uspto_15k", "uspto_full", "t5chem_samples", "table"} <= set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_every_card_is_complete(name: str) -> None:
    source = SOURCES.get(name)
    assert source.name == name
    assert source.title
    assert source.origin
    assert source.licence
    assert all(len(checksum) == 64 for checksum in source.files.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_missing_file_is_named_with_its_origin(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=name):
        SOURCES.get(name).root()


@pytest.mark.parametrize("name", PUBLISHED)
def test_real_files_hold_what_the_card_says(name: str, data_root: Path) -> None:
    source = SOURCES.get(name)
    source.verify()
    counts = dict.fromkeys(source.rows, 0)
    for row in source.read(data_root):
        counts[row.split] += 1
    assert counts == dict(source.rows)


@pytest.mark.parametrize("name", PUBLISHED)
def test_real_rows_are_readable(name: str, data_root: Path) -> None:
    results = [clean(row, name) for row in islice(SOURCES.get(name).read(data_root), 50)]
    assert sum(isinstance(result, Clean) for result in results) >= 48


def read(source: Source, path: Path) -> list[str]:
    results = [clean(row, source.name) for row in source.read(path)]
    return [str(result.record.reaction) for result in results if isinstance(result, Clean)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "reactants,reagents,products\nCC(=O)Cl.NC,O,CNC(C)=O\n"),
        ("rows.csv", "reaction\nCC(=O)Cl.CN>O>CNC(C)=O\n"),
        ("rows.jsonl", '{"reactants": "CC(=O)Cl.CN", "reagents": "O", "product": "CNC(C)=O"}\n'),
    ],
)
def test_user_tables_are_read(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read(SOURCES.get("table"), tmp_path / name) == ["CC(=O)Cl.CN>O>CNC(C)=O"]


def test_a_table_without_a_reaction_names_its_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("smiles\nCC\n")
    with pytest.raises(InputFileError, match="smiles"):
        read(SOURCES.get("table"), tmp_path / "rows.csv")


def test_reaction_smiles_take_roles_from_maps_where_there_are_maps(tmp_path: Path) -> None:
    path = tmp_path / "reactions.txt"
    path.write_text("[CH3:1][Br:2].[Na+].[OH-:3]>>[CH3:1][OH:3]\nCCO>O>CC=O\n\n")
    assert read(SOURCES.get("reaction_smiles"), path) == ["CBr.[OH-]>[Na+]>CO", "CCO>O>CC=O"]
