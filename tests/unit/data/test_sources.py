"""Sources: what single readers do beyond reading their format, and how sources are found."""

import gzip
import json
import lzma
import sys
from pathlib import Path

import pytest

from retort.data.clean import Clean, clean
from retort.data.records import RawRow, TextRow
from retort.data.source import SOURCES, Source, checksums, open_text, under
from retort.data.sources._amination import amination
from retort.errors import DataError, InputFileError, MissingExtraError
from retort.recipes.listing import listing


def read(source: Source, path: Path) -> list[str]:
    results = [clean(row, source.name) for row in source.read(path) if isinstance(row, RawRow)]
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


def test_table_carries_year_yield_label_and_procedure(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("reaction,year,yield_percent,label,procedure\nCC>>CO,1999,55.5,oxidation,Stirred.\nCC>>CS,,,,\n")
    first, second = SOURCES.get("table").read(path)
    assert first == RawRow(
        "rows.csv:1", "all", "CC>>CO", year=1999, yield_percent=55.5, label="oxidation", procedure="Stirred."
    )
    assert second == RawRow("rows.csv:2", "all", "CC>>CS")


def test_a_table_with_unknown_roles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("reaction,roles\nCC>>CO,mapped\n")
    with pytest.raises(InputFileError, match="'mapped'"):
        list(SOURCES.get("table").read(tmp_path / "rows.csv"))


@pytest.mark.parametrize(
    "name", ["uspto_480k", "uspto_full_train", "uspto_1k_tpl_full", "mol_instructions_full", "ord"]
)
def test_a_folder_without_the_files_says_how_to_get_them(name: str, tmp_path: Path) -> None:
    source = SOURCES.get(name)
    with pytest.raises(InputFileError) as caught:
        list(source.read(tmp_path))
    assert caught.value.hint == source.how_to_get


def test_a_part_of_a_published_original_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "valid.txt").write_text("[CH3:1][Br:2].[OH-:3]>>[CH3:1][OH:3] 1-3-1.0\n")
    assert [row.split for row in SOURCES.get("uspto_480k").read(tmp_path)] == ["valid"]


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "raw_train.csv").write_text("id,reaction\n1,CC>>CO\n")
    with pytest.raises(InputFileError, match="reactants>reagents>production") as caught:
        list(SOURCES.get("uspto_full_train").read(tmp_path))
    assert "id, reaction" in caught.value.hint
    (tmp_path / "uspto_1k_TPL_test.tsv").write_text("canonical_rxn\tlabel\nCC>>CO\t1\n")
    with pytest.raises(InputFileError, match="labels"):
        list(SOURCES.get("uspto_1k_tpl_full").read(tmp_path))


def test_text_that_is_not_selfies_is_left_to_fail_later(tmp_path: Path) -> None:
    metadata = {"task": "retrosynthesis", "split": "train"}
    texts = [("[C][O]", "[C].[O]"), ("CO", "[C][=Nonsense]"), ("[C]>>[O]", "-0.2482")]
    rows = [{"instruction": "", "input": i, "output": o, "metadata": metadata} for i, o in texts]
    (tmp_path / "mine.json").write_text(json.dumps(rows))
    found = [
        row for row in SOURCES.get("mol_instructions_full").read(tmp_path / "mine.json") if isinstance(row, TextRow)
    ]
    assert [(row.input, row.output) for row in found] == [("CO", "C.O"), ("CO", "[C][=Nonsense]"), ("C>>O", "-0.2482")]


@pytest.mark.parametrize(("name", "library"), [("mol_instructions_full", "selfies"), ("buchwald_hartwig", "fastexcel")])
def test_a_missing_library_names_the_extra(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError) as caught:
        list(SOURCES.get(name).read(Path("nowhere")))
    assert "retort[data]" in caught.value.hint


def test_an_unknown_template_label_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "uspto_1k_tpl"
    folder.mkdir()
    for name, text in (("label_template.json.xz", '{"0": "x>>y"}'), ("train.csv.xz", "rxn_smiles,label\nC>>O,7\n")):
        (folder / name).write_bytes(lzma.compress(text.encode()))
    with pytest.raises(DataError, match="'7'"):
        list(SOURCES.get("uspto_1k_tpl").read(tmp_path))


def test_the_halide_reacts_and_nothing_else() -> None:
    assert amination("FC(F)(F)c1ccc(Cl)cc1", "P", "", "O") == (
        "FC(F)(F)c1ccc(Cl)cc1.Cc1ccc(N)cc1>P.O>Cc1ccc(Nc2ccc(C(F)(F)F)cc2)cc1"
    )


@pytest.mark.parametrize("halide", ["CCBr", "c1ccccc1", "Clc1cccc(Br)c1"])
def test_a_halide_without_one_product_is_refused(halide: str) -> None:
    with pytest.raises(DataError, match="instead of one"):
        amination(halide)


def test_the_folder_is_the_deepest_that_holds_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("one", "b/two"):
        (tmp_path / "a" / name).write_text("")
    source = Source("x", "x", "x", "x", read=lambda _: iter(()), files=under("a", {"one": "", "b/two": ""}))
    assert source.folder() == tmp_path / "a"
    (tmp_path / "a" / "one").unlink()
    assert source.folder() is None


def test_a_changed_file_fails_its_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    (tmp_path / "one").write_text("changed")
    source = Source("x", "x", "x", "x", read=lambda _: iter(()), files={"one": "0" * 64})
    with pytest.raises(DataError, match="SHA-256"):
        source.verify()


def test_checksums_of_a_file_and_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "abc").write_text("abc")
    (tmp_path / "empty").write_text("")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example of SHA-256
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert checksums(tmp_path / "a" / "abc") == {"abc": abc}
    assert checksums(tmp_path) == {"a/abc": abc, "empty": empty}
    with pytest.raises(DataError, match="absent"):
        checksums(tmp_path / "absent")


def test_the_list_says_where_each_source_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "ord_uspto_name_smiles.csv.xz").write_text("")
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    rows = {row["source"]: row for row in listing("sources")}
    assert set(rows) == set(SOURCES.names())
    assert {tuple(row) for row in rows.values()} == {("source", "kind", "what", "rows", "licence", "where")}
    assert rows["names_ord"]["where"] == str(tmp_path / "names")
    assert rows["names_ord"]["kind"] == "molecules"
    assert rows["uspto_50k"]["where"] == SOURCES.get("uspto_50k").how_to_get
    assert rows["uspto_50k"]["rows"] == "50016"


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz", ".gzip"])
def test_compressed_text_is_opened_by_its_suffix(suffix: str, tmp_path: Path) -> None:
    packers = {".xz": lzma.compress, ".gz": gzip.compress, ".gzip": gzip.compress}
    path = tmp_path / f"rows.txt{suffix}"
    path.write_bytes(packers.get(suffix, bytes)("é\n".encode()))
    with open_text(path) as file:
        assert file.read() == "é\n"
