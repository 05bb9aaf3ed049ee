"""What every source must say about itself, and that its reader reads its format and its files.

``tests/fixtures/sources/<name>`` holds eight invented rows in the format of each source. A fixture is text: the file
``a/b.csv.txt`` stands for ``a/b.csv.xz`` or ``a/b.csv``, workbooks, Parquet and protocol buffers are written as JSON,
and :func:`materialise` makes the real format from it. ``expected.json`` tells what must be read.
"""

import gzip
import json
import lzma
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest

from retort.data.clean import Clean, clean
from retort.data.records import MoleculeRow, RawRow, SourceRow, TextRow
from retort.data.source import SOURCES, Source
from retort.errors import DataError

NAMES = SOURCES.names()
KINDS: dict[str, type[SourceRow]] = {"reactions": RawRow, "molecules": MoleculeRow, "texts": TextRow}
PUBLISHED = [name for name in NAMES if SOURCES.get(name).files]
OWN_FILES = {"reaction_smiles", "rxn", "table", "molecule_table"}  # a user's own: rows are numbered by the file's name
# The protected set: the held-out rows that no training of any other source may touch.
PROTECTED = {"uspto_50k", "uspto_15k", "t5chem_samples", "t5chem_classification", "t5chem_product"}
PROTECTED |= {"t5chem_reactants", "t5chem_yields"}
ORIGINALS = {"mol_instructions_full", "uspto_480k", "uspto_full_train", "uspto_1k_tpl_full", "ord"}
ORIGINALS |= {"bace", "bbbp", "clintox", "hiv", "tox21"}
SLOW = {"uspto_full"}  # takes more than ten seconds to read
SAMPLED = 50  # rows of a source that are cleaned


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES.get(request.param)


@pytest.fixture(scope="module")
def fixtures(repository: Path) -> Path:
    return repository / "tests" / "fixtures" / "sources"


def test_all_sources_are_found(fixtures: Path) -> None:
    assert len(NAMES) == 49
    assert set(NAMES) >= OWN_FILES | ORIGINALS | PROTECTED
    assert {folder.name for folder in fixtures.iterdir()} == set(NAMES)


def test_the_card_is_complete(source: Source) -> None:
    assert SOURCES.get(source.name) is source
    assert source.title
    assert source.origin
    assert source.licence
    assert source.how_to_get
    assert source.kind in KINDS
    assert source.name in OWN_FILES or "http" in source.how_to_get or "uspto" in source.how_to_get
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in source.files.values())
    assert not any(Path(name).is_absolute() for name in source.files)
    assert set(source.rows) <= {"train", "valid", "test", "all"}
    assert bool(source.files) is (source.name not in OWN_FILES | ORIGINALS)


def test_only_the_protected_set_is_a_benchmark(source: Source) -> None:
    assert source.benchmark is (source.name in PROTECTED)
    assert not (source.benchmark and source.published_split), "benchmark implies published_split"
    if source.published_split and source.rows:
        assert "train" in source.rows or source.name == "uspto_50k_mapped", "without a train part a split is of no use"


def test_an_absent_source_says_how_to_get_it(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    assert source.where() is None
    assert source.folder() is None
    with pytest.raises(DataError, match=source.name) as caught:
        source.root()
    assert "RETORT_DATA" in caught.value.hint
    assert source.how_to_get in caught.value.hint


def test_the_format_is_read(source: Source, fixtures: Path, tmp_path: Path) -> None:
    folder = fixtures / source.name
    materialise(folder, source, tmp_path)
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    rows = list(source.read(tmp_path / expected["path"]))
    assert len(rows) == expected["rows"] == 8
    first = {key: tuple(map(tuple, value)) if key == "names" else value for key, value in expected["first"].items()}
    assert rows[0] == KINDS[source.kind](**first)
    check_rows(source, rows)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in PUBLISHED]
)
def test_the_real_files_are_what_the_card_says(name: str, data_root: Path) -> None:
    source = SOURCES.get(name)
    source.verify()
    rows = list(source.read(data_root))
    assert Counter(row.split for row in rows) == source.rows
    check_rows(source, rows)
    if source.kind == "reactions":
        results = [clean(row, name) for row in rows[:: len(rows) // SAMPLED] if isinstance(row, RawRow)]
        refused = [result.reason for result in results if not isinstance(result, Clean)]
        # Schneider's train rows have no precursors, which their card says.
        allowed = {"unreadable: no reactants"} if name == "schneider_50k" else set()
        assert len([reason for reason in refused if reason not in allowed]) <= 1


def test_every_published_file_belongs_to_a_source(data_root: Path) -> None:
    there = {path.relative_to(data_root).as_posix() for path in data_root.rglob("*") if path.is_file()}
    claimed = Counter(file for name in NAMES for file in SOURCES.get(name).files)
    assert there - {"README.md", "MANIFEST.sha256"} == set(claimed)
    assert max(claimed.values()) == 1


def test_the_checksums_are_those_of_the_manifest(data_root: Path) -> None:
    manifest = dict(reversed(line.split()) for line in (data_root / "MANIFEST.sha256").read_text("utf-8").splitlines())
    ours = {file: digest for name in NAMES for file, digest in SOURCES.get(name).files.items()}
    assert len(ours) > 100
    assert ours == {name.removeprefix("./"): digest for name, digest in manifest.items() if "README" not in name}


@pytest.mark.parametrize("name", PUBLISHED)
def test_fixtures_copy_no_published_row(name: str, fixtures: Path, data_root: Path) -> None:
    for file in SOURCES.get(name).files:
        if file.endswith((".xlsx", ".parquet")):
            continue  # no lines to compare
        invented = set((fixtures / name / f"{file.removesuffix('.xz')}.txt").read_text("utf-8").splitlines()[1:])
        published = set(lzma.decompress((data_root / file).read_bytes()).decode("utf-8").splitlines())
        assert [line for line in invented & published if len(line) > 30] == []


def check_rows(source: Source, rows: list[SourceRow]) -> None:
    """Assert what holds for the rows of any source."""
    assert {type(row) for row in rows} == {KINDS[source.kind]}
    assert len({row.id for row in rows}) == len(rows)
    assert {row.split for row in rows} <= {"train", "valid", "test", "all"}
    assert source.name in OWN_FILES or all(row.id.startswith(f"{source.name}:") for row in rows)
    for row in rows:
        if isinstance(row, RawRow):
            assert len(re.split(r"(?<!-)>", row.reaction.partition(" |")[0])) == 3, row.reaction
            assert row.yield_percent is None or 0 <= row.yield_percent <= 100
        elif isinstance(row, MoleculeRow):
            assert row.smiles or row.text
            assert bool(row.text) is (row.text_kind != "")
        else:
            assert row.kind
            assert row.input
            assert row.output


def materialise(folder: Path, source: Source, target: Path) -> None:
    """Make the files of a source from its fixture."""
    compressed = {name.removesuffix(".xz") for name in source.files if name.endswith(".xz")}
    for path in sorted(folder.rglob("*.txt")):
        name = path.relative_to(folder).as_posix().removesuffix(".txt")
        made = target / (f"{name}.xz" if name in compressed else name)
        made.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        if name in compressed:
            made.write_bytes(lzma.compress(text.encode()))
        elif made.suffix == ".gzip":
            made.write_bytes(gzip.compress(text.encode()))
        elif made.suffix == ".gz":
            made.write_bytes(gzip.compress(protobuf(json.loads(text))))
        elif made.suffix == ".parquet":
            table = pl.DataFrame(json.loads(text), infer_schema_length=None)
            table.with_columns(pl.col("grant_date").str.to_datetime("%Y-%m-%d")).write_parquet(made)
        elif made.suffix == ".xlsx":
            write_workbook(made, **json.loads(text))
        else:
            made.write_text(text, "utf-8")


def protobuf(message: dict[str, Any]) -> bytes:
    """Encode {field number: text, message, integer, float, or a list of them}."""
    return b"".join(
        encoded
        for number, values in message.items()
        for value in (values if isinstance(values, list) else [values])
        for encoded in field_of(int(number), value)
    )


def field_of(number: int, value: str | float | dict[str, Any]) -> Iterator[bytes]:
    if isinstance(value, float):
        yield varint(number << 3 | 5) + struct.pack("<f", value)
    elif isinstance(value, int):
        yield varint(number << 3) + varint(value)
    else:
        data = value.encode() if isinstance(value, str) else protobuf(value)
        yield varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def write_workbook(path: Path, sheets: list[str], rows: list[dict[str, Any]]) -> None:
    """Write the least that is an Excel workbook: the same rows in every sheet."""
    office = "http://schemas.openxmlformats.org"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    main = f'xmlns="{office}/spreadsheetml/2006/main" xmlns:r="{office}/officeDocument/2006/relationships"'
    relation = f"{office}/officeDocument/2006/relationships"
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    cells = "".join(f"<row>{''.join(map(cell, line))}</row>" for line in table)
    book = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{relation}/worksheet" Target="worksheets/{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    package = f"{office}/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'{head}<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr("xl/workbook.xml", f"{head}<workbook {main}><sheets>{book}</sheets></workbook>")
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{head}<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
        for number in range(1, len(sheets) + 1):
            sheet = f"{head}<worksheet {main}><sheetData>{cells}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/{number}.xml", sheet)


def cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"
