"""Prepared folders pass the audit: nothing protected is in their train part, save where its benchmark put it there."""

from pathlib import Path

import polars as pl
import pytest

from retort.config import as_dict, build, load
from retort.data.audit import CATEGORIES
from retort.data.prepare import read_records
from retort.recipes.audit import LEAK_RULE, AuditRequest, audit, held_out_overlap
from retort.recipes.prepare import PrepareConfig, prepare

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC", "ClCC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO", "NC1CC1"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of eighty amides from one unsplit file; each product occurs once."""
    place = tmp_path_factory.mktemp("audit")
    lines = [f"{acid}C(=O)Cl.{amine}>CCN(CC)CC>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
    (place / "rows.txt").write_text("\n".join(lines))
    values = {
        "output": str(place / "folder"),
        "sources": [{"name": "reaction_smiles", "path": str(place / "rows.txt")}],
        "hold_out": {"valid": 0.2, "test": 0.2},
        "spelling": {"copies": 2},
    }
    return prepare(build(PrepareConfig, values, "test"), say=lambda _: None)


def test_the_train_part_is_held_against_every_held_out_part(toy: Path) -> None:
    done = audit(AuditRequest((str(toy),), fail_on=LEAK_RULE))
    parts = {record.split for record in read_records(toy / "records.parquet")}
    assert len(parts) >= 3
    assert {(pair.first.name, pair.second.name) for pair in done.pairs} == {
        (f"{toy}:train", f"{toy}:{part}") for part in parts - {"train"}
    }
    assert done.failures == ()
    assert not any(collection.unreadable for collection in done.collections)


def test_a_row_planted_in_the_training_data_is_found(toy: Path, tmp_path: Path) -> None:
    held_out = next(r for r in read_records(toy / "records.parquet") if r.split == "test")
    table = pl.DataFrame({"reaction": [str(held_out.reaction), "CCO.CC(=O)Cl>>CCOC(C)=O"]})
    table.write_csv(tmp_path / "more.csv")
    done = audit(AuditRequest((f"{toy}:test", str(tmp_path / "more.csv")), fail_on=("same_reaction",)))
    (pair,) = done.pairs
    assert pair.findings["same_reaction"] is not None
    assert pair.findings["same_reaction"].examples == ("more.csv:1",)
    assert len(done.failures) == 1


def test_training_rows_are_found_where_they_are(toy: Path, tmp_path: Path) -> None:
    """Every training row of the folder is in the file that it was prepared from, in both directions of tasks."""
    done = audit(AuditRequest((str(toy.parent / "rows.txt"), f"{toy}:train"), tasks=("retro",)))
    (pair,) = done.pairs
    for category in ("same_reaction", "same_product"):
        finding = pair.findings[category]
        assert finding is not None
        assert finding.rows == len(pair.second) > 0
    turned = pair.findings["reversed_task"]
    assert turned is not None
    assert 0 < turned.rows <= len(pair.second)


@pytest.fixture(scope="module")
def real(data_root: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small folder of real rows: a benchmark with its held-out parts, and others that overlap with it."""
    output = tmp_path_factory.mktemp("audit") / "real"
    sources: list[dict[str, object]] = [
        {"name": "t5chem_samples", "fraction": 0.05},
        {"name": "uspto_mit", "fraction": 0.02},
        {"name": "uspto_full", "fraction": 0.005, "train_only": True},
    ]
    config = load(PrepareConfig, repository / "configs" / "prepare_tiny.toml", [f"output={str(output)!r}"])
    return prepare(build(PrepareConfig, _changed(config, sources), "test"), say=lambda _: None)


def _changed(config: PrepareConfig, sources: list[dict[str, object]]) -> dict[str, object]:
    values = {key: value for key, value in as_dict(config).items() if value is not None}
    return values | {"sources": sources}


@pytest.mark.slow
def test_a_folder_of_real_rows_passes(real: Path) -> None:
    counts = held_out_overlap(real, benchmarks=False)
    assert counts["train_rows"] > 1_000
    assert len(counts["parts"]) >= 4
    assert sum(part["rows"] for part in counts["parts"].values()) > 5_000
    leaks = {
        (name, category): part["leaks"][category] for name, part in counts["parts"].items() for category in LEAK_RULE
    }
    assert set(leaks.values()) == {0}
    assert all(set(part["leaks"]) == set(CATEGORIES) for part in counts["parts"].values())
