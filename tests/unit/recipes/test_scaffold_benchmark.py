"""A benchmark of new scaffolds: what is chosen is far from every train row, and every row is accounted for."""

import csv
import json
from pathlib import Path

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.novelty import novelty
from retort.data.prepare import write_manifest, write_records
from retort.data.records import Record
from retort.errors import ConfigError, DataError
from retort.recipes.scaffold_benchmark import ScaffoldConfig, scaffold_benchmark

pytest.importorskip("matplotlib", reason="needs the extra [train]")

TRAIN = ["CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "CC(=O)O.OCC>>CCOC(C)=O"]
TEST = [
    "CC(=O)Cl.NCCc1ccccc1>>CC(=O)NCCc1ccccc1",  # rings of a train row
    "CC(=O)Cl.NC1CC2CCC1C2>>CC(=O)NC1CC2CCC1C2",  # new rings
    "CC(=O)Cl.NCC>>CCNC(C)=O",  # no ring
]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    records = []
    for split, texts in (("train", TRAIN), ("test", TEST)):
        for number, text in enumerate(texts):
            before, after = text.split(">>")
            reaction = Reaction(components(before), (), components(after))
            records.append(Record(f"made_up:{split}:{number}", "made_up", split, reaction))
    write_records(folder / "records.parquet", records)
    write_manifest(folder, {})
    return folder


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_only_what_is_far_is_chosen(prepared: Path, tmp_path: Path) -> None:
    path = scaffold_benchmark(ScaffoldConfig(prepared, tmp_path / "out"))
    for task in ("forward_prediction", "retrosynthesis"):
        rows = table(tmp_path / "out" / f"{task}.csv")
        assert [row["id"] for row in rows] == ["made_up:test:1"]
        assert float(rows[0]["similarity"]) < 0.6
        seen = [tuple(side.split(".")) for text in TRAIN for side in text.split(">>")]
        assert novelty([tuple(rows[0]["input"].split("."))], seen).similarity[0] < 0.6
    counts = json.loads(path.read_text())["tasks"]["retrosynthesis"]
    assert counts == {"rows": 3, "without_ring": 1, "far": 1, "chosen": 1}
    assert (tmp_path / "out" / "similarity.png").stat().st_size > 1000


def test_as_many_rows_are_drawn_by_chance(prepared: Path, tmp_path: Path) -> None:
    scaffold_benchmark(ScaffoldConfig(prepared, tmp_path / "out", tasks=("retrosynthesis",), acyclic=True))
    chosen, by_chance = (table(tmp_path / "out" / f"retrosynthesis{kind}.csv") for kind in ("", ".random"))
    assert len(by_chance) == len(chosen) == 2
    assert {row["id"] for row in by_chance} <= {f"made_up:test:{number}" for number in range(3)}


def test_rows_without_a_ring_are_taken_where_they_are_asked_for(prepared: Path, tmp_path: Path) -> None:
    config = ScaffoldConfig(prepared, tmp_path / "out", tasks=("retrosynthesis",), acyclic=True)
    scaffold_benchmark(config)
    rows = table(tmp_path / "out" / "retrosynthesis.csv")
    assert [row["id"] for row in rows] == ["made_up:test:1", "made_up:test:2"]


def test_what_another_folder_was_trained_on_counts_too(prepared: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    bridged = Reaction(components("BrC1CC2CCC1C2.N"), (), components("NC1CC2CCC1C2"))
    write_records(other / "records.parquet", [Record("other:1", "other", "train", bridged)])
    write_manifest(other, {})
    config = ScaffoldConfig(prepared, tmp_path / "out", tasks=("retrosynthesis",), trained_on=(other,))
    assert json.loads(scaffold_benchmark(config).read_text())["tasks"]["retrosynthesis"]["far"] == 0


def test_bad_configurations(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no similarity"):
        ScaffoldConfig(prepared, tmp_path, threshold=0)
    with pytest.raises(ConfigError, match="'train' is no held-out part"):
        ScaffoldConfig(prepared, tmp_path, part="train")
    with pytest.raises(DataError, match="no rows of retrosynthesis in the part 'valid_b'"):
        scaffold_benchmark(ScaffoldConfig(prepared, tmp_path / "o", tasks=("retrosynthesis",), part="valid_b"))
