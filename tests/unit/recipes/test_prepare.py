"""The recipe: leaks found as in memory, molecules for denoising, samples and splits counted, contradictions refused."""

import json
import lzma
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from retort.config import build, load
from retort.data.clean import Clean, clean
from retort.data.leakage import apply_leak_rule
from retort.data.prepare import read_manifest, read_records, verify
from retort.data.source import SOURCES
from retort.data.splits import HoldOut, held_out_part, published_part
from retort.errors import ConfigError, DataError
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.prepare import PrepareConfig, is_prepared, prepare

ACIDS = ["CC", "CCC", "c1ccccc1", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "NCCO", "NC1CC1"]


def amides(leaving: str) -> list[tuple[str, str]]:
    return [(f"{acid}C(=O){leaving}.{amine}", f"{acid}C(=O){amine}") for acid in ACIDS for amine in AMINES]


def write_table(path: Path, rows: list[tuple[str, ...]], header: str) -> dict[str, Any]:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return {"name": "table", "path": str(path)}


def write_lines(path: Path, rows: list[tuple[str, str]]) -> dict[str, Any]:
    path.write_text("\n".join(f"{reactants}>>{product}" for reactants, product in rows))
    return {"name": "reaction_smiles", "path": str(path)}


def config(tmp_path: Path, sources: list[dict[str, Any]], **changes: Any) -> PrepareConfig:
    values = {"output": str(tmp_path / "out"), "sources": sources, "spelling": {"copies": 2}, "chunk_rows": 9}
    return build(PrepareConfig, values | changes, "test")


def prepared(tmp_path: Path, sources: list[dict[str, Any]], **changes: Any) -> Path:
    return prepare(config(tmp_path, sources, **changes), say=lambda _: None)


def rejected(folder: Path) -> dict[str, str]:
    with lzma.open(folder / "rejects.jsonl.xz", "rt") as file:
        rows = [json.loads(line) for line in file]
    return {row["id"]: row["reason"] for row in rows}


def test_leaks_across_chunks_are_those_found_in_memory(tmp_path: Path) -> None:
    published = [
        (*row, ("train", "valid", "test", "train", "train")[i % 5]) for i, row in enumerate(amides("Cl") + amides("Br"))
    ]
    bench = write_table(tmp_path / "bench.csv", published, "reactants,products,split") | {"split": "published"}
    own = write_lines(tmp_path / "own.txt", amides("O") + amides("Cl") + [("CCBr.N", "CCN")])
    folder = prepared(tmp_path, [bench, own], hold_out={"valid": 0.2, "test": 0.2})
    rows: list[Clean] = []
    for name in ("table", "reaction_smiles"):
        for raw in SOURCES.get(name).read(tmp_path / ("bench.csv" if name == "table" else "own.txt")):
            row = clean(raw, name)  # type: ignore[arg-type]
            assert isinstance(row, Clean)
            product = row.keys.products[0]
            part = (
                published_part(row.record.split, product)
                if name == "table"
                else held_out_part(product, HoldOut(0.2, 0.2))
            )
            rows.append(replace(row, record=replace(row.record, split=part)))
    first = {str(row.record.reaction): row for row in reversed(rows) if row.record.split == "train"}
    unique = [row for row in rows if row.record.split != "train" or first[str(row.record.reaction)] is row]
    kept, dropped, report = apply_leak_rule(unique, frozenset({"table"}))
    found = {row: why for row, why in rejected(folder).items() if why.startswith("leak: ")}
    assert found == {row.record.id: f"leak: {why}" for row, why in dropped}
    assert len(set(found.values())) >= 3
    assert [record.id for record in read_records(folder / "records.parquet")] == [row.record.id for row in kept]
    counts = read_manifest(folder)["counts"]["leak_rule"]
    assert counts["dropped"] == dict(report.dropped)
    assert counts["protected"] == dict(report.protected)
    assert counts["kept_inside"] == dict(report.kept_inside)


PLUGIN = """
from retort.data.records import MoleculeRow
from retort.data.source import Source

def _read(path):
    for line, smiles in enumerate(path.read_text().split("|")):
        yield MoleculeRow(id=f"m:{line}", split="all", smiles=smiles)

SOURCE = Source("planted_molecules", "molecules", "here", "CC0", _read, kind="molecules")
"""


@pytest.fixture
def molecules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], dict[str, Any]]]:
    """Install a source of molecules the way third parties do, by an entry point."""
    package = tmp_path / "site"
    info = package / "planted-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "planted_molecules.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[retort.sources]\nplanted_molecules = planted_molecules:SOURCE\n")
    monkeypatch.syspath_prepend(package)
    vars(SOURCES).pop("_plugins", None)

    def choice(smiles: list[str]) -> dict[str, Any]:
        (tmp_path / "molecules.txt").write_text("|".join(smiles))
        return {"name": "planted_molecules", "path": str(tmp_path / "molecules.txt")}

    yield choice
    vars(SOURCES).pop("_plugins", None)
    sys.modules.pop("planted_molecules", None)


def test_molecules_serve_denoising_and_obey_the_leak_rule(
    tmp_path: Path, molecules: Callable[[list[str]], dict[str, Any]]
) -> None:
    pairs = [(f"{'C' * n}Br.N", f"{'C' * n}N", "test" if n == 3 else "train") for n in range(1, 8)]
    bench = write_table(tmp_path / "bench.csv", pairs, "reactants,products,split") | {"split": "published"}
    smiles = ["CCCCO", "NCCC", "CCCN.Cl", "N.CCCBr", "OCCCC", "not SMILES", "C" * 300, "", "c1ccccc1O"]
    folder = prepared(tmp_path, [bench, molecules(smiles)], tasks=["retrosynthesis", "span_denoising"])
    reasons = rejected(folder)
    assert {row: why for row, why in reasons.items() if why.startswith("leak")} == {
        "m:1": "leak: same product as a protected test row",
        "m:2": "leak: same product as a protected test row",
        "m:3": "leak: same reactants as a protected test row",
    }
    assert reasons["m:4"] == "duplicate of an earlier row"
    assert "SMILES" in reasons["m:5"]
    assert "longer than" in reasons["m:6"]
    assert reasons["m:7"] == "no molecule"
    assert pl.read_parquet(folder / "molecules.parquet")["smiles"].to_list() == ["CCCCO", "Oc1ccccc1"]
    assert all(record.reaction.reactants for record in read_records(folder / "records.parquet"))
    counts = read_manifest(folder)["counts"]
    assert counts["leak_rule"]["dropped"] == {
        "planted_molecules: same product as a protected test row": 2,
        "planted_molecules: same reactants as a protected test row": 1,
    }
    assert counts["rows"] == {
        "table/retrosynthesis": 6,
        "table/span_denoising": 6,
        "planted_molecules/span_denoising": 2,
    }
    verify(folder)


def test_span_rows_keep_their_text_as_source_and_end_as_target(tmp_path: Path) -> None:
    own = write_lines(tmp_path / "own.txt", amides("Cl"))
    folder = prepared(tmp_path, [own], tasks=["span_denoising", "forward"], hold_out={"valid": 0.2, "test": 0.1})
    manifest = read_manifest(folder)
    assert manifest["tasks"] == ["span_denoising", "forward_prediction"]
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    tokens, offsets, tasks = (np.load(folder / f"train.{name}.npy") for name in ("tokens", "offsets", "tasks"))
    sequences = [tokens[a:b].tolist() for a, b in pairwise(offsets)]
    spans = [i for i, task in enumerate(tasks) if task == 0]
    train = [record for record in read_records(folder / "records.parquet") if record.split == "train"]
    assert len(spans) == len(train)
    for row, record in zip(spans, train, strict=True):
        assert sequences[4 * row] == vocabulary.encode(str(record.reaction))
        assert sequences[4 * row + 1] == sequences[4 * row + 3] == [vocabulary.eos_id]
    assert set(np.load(folder / "valid.tasks.npy").tolist()) == {1}, "nothing is held out for denoising"


def test_samples_are_drawn_and_counted(tmp_path: Path) -> None:
    rows = [(*row, "test" if i % 4 == 0 else "train") for i, row in enumerate(amides("Cl"))]
    bench = write_table(tmp_path / "bench.csv", rows, "reactants,products,split")
    folder = prepared(tmp_path, [bench | {"split": "published", "limit": 10}])
    records = read_records(folder / "records.parquet")
    assert sum(record.split == "train" for record in records) == 10
    assert sum(record.split == "test" for record in records) == sum(row[2] == "test" for row in rows)
    assert read_manifest(folder)["counts"]["read"]["table"] == {"rows": 24, "clean": 24}


def test_a_split_by_time_needs_years(tmp_path: Path) -> None:
    own = write_lines(tmp_path / "own.txt", amides("Cl"))
    with pytest.raises(DataError, match="no row of source 'reaction_smiles' has a year"):
        prepared(tmp_path, [own | {"split": "time", "time_edges": [2000, 2005]}])


def test_templates_of_mapped_rows_map_the_others(tmp_path: Path) -> None:
    chains = ["".join(f"[CH2:{10 + i}]" for i in range(n)) for n in range(6)]
    mapped = [
        f"[CH3:1]{chain}[C:2](=[O:3])[Cl:9].[NH2:4][CH3:5]>>[CH3:1]{chain}[C:2](=[O:3])[NH:4][CH3:5]"
        for chain in chains
    ]
    (tmp_path / "mapped.txt").write_text("\n".join(mapped))
    unmapped = write_table(tmp_path / "own.csv", amides("Cl"), "reactants,products")
    sources = [{"name": "reaction_smiles", "path": str(tmp_path / "mapped.txt")}, unmapped]
    folder = prepared(tmp_path, sources, aligner="template", hold_out={"valid": 0.1, "test": 0.1})
    found = read_manifest(folder)["counts"]["aligned"].get("table", 0)
    records = [record for record in read_records(folder / "records.parquet") if record.source == "table"]
    assert found == sum(record.mapped is not None for record in records) > 10
    assert all(record.mapped is None for record in records if record.split != "train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "mol_instructions"}, "questions in words"),
        ({"name": "pcdes"}, "span_denoising"),
        ({"fraction": 0.0}, "out of range"),
        ({"limit": 0}, "out of range"),
        ({"weight": -1.0}, "out of range"),
        ({"split": "time"}, "time_edges"),
        ({"time_edges": [1, 2]}, "time_edges"),
        ({"split": "time", "time_edges": [2005, 2000]}, "time_edges"),
        ({"split": "by eye"}, "split"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    own = write_lines(tmp_path / "own.txt", amides("Cl"))
    with pytest.raises(ConfigError, match=message):
        prepared(tmp_path, [own | changes])
    assert not (tmp_path / "out").exists()


def test_two_weights_for_one_source_are_refused(tmp_path: Path) -> None:
    own = write_lines(tmp_path / "own.txt", amides("Cl"))
    with pytest.raises(ConfigError, match="two weights"):
        prepared(tmp_path, [own, own | {"weight": 2.0}])


def test_a_source_without_a_published_split_cannot_keep_it(tmp_path: Path) -> None:
    own = write_lines(tmp_path / "own.txt", amides("Cl"))
    with pytest.raises(DataError, match="no published split"):
        prepared(tmp_path, [own | {"split": "published"}])


def test_the_shipped_configurations_name_sources_that_can_be_prepared(repository: Path, tmp_path: Path) -> None:
    paths = [*repository.glob("configs/prepare_*.toml"), *repository.glob("configs/base/prepare*.toml")]
    assert len(paths) >= 3
    for path in paths:
        assert not is_prepared(replace(load(PrepareConfig, path), output=tmp_path / "not there"))
