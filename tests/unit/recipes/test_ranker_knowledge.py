"""Sources of knowledge on reactions of which only a type can say how the product was made."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retort.chem.fingerprints import Fingerprint
from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.prepare import write_records
from retort.data.records import Record
from retort.elicitation.knowledge import SOURCES, RowTypes
from retort.errors import DataError
from retort.evaluation.predictions import read
from retort.recipes.ranker_arms import Arm
from retort.recipes.ranker_knowledge import RankerKnowledgeConfig, TypesOfNumber, compare_knowledge
from retort.recipes.ranker_probe import probe_types
from retort.recipes.reproduction_page import arms_table
from retort.recipes.row_types import Part, TypesOfRows
from retort.recipes.train_ranker import TrainRankerConfig
from retort.training.ranker_settings import RankerTraining

RESTS = ("[CH3:10]", "[CH3:11][CH2:10]", "[CH3:11][CH2:12][CH2:10]", "[CH3:11][CH:10]([CH3:12])")
WAYS = ("O", "Cl")  # the amide is made from the acid or from its chloride
AMIDE = "{0}[CH2:1][C:2](=[O:3]){1}.[NH2:4][CH2:5][CH3:6]>>{0}[CH2:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
PARTS = {"train": 3, "valid_a": 1, "test": 1}


def rows(part: str) -> list[tuple[Record, int]]:
    """Return the records of a part, each with its way: every product is made once in either."""
    found = []
    for i, (rest, way) in enumerate([(rest, way) for rest in RESTS for way in (0, 1)] * PARTS[part]):
        before, after = (text := AMIDE.format(rest, WAYS[way])).split(">>")
        reaction = Reaction(components(before), (), components(after))
        record = Record(f"made_up:{part}:{i}", "made_up", part, reaction, mapped=text, reaction_class=1 + way)
        found.append((record, way))
    return found


def types_of(part: str, encoding: str) -> Part:
    """Return types: the way; and what an annotator reads, which knows nothing and leans to the acid."""
    ways = np.array([way for _, way in rows(part)], np.int64)
    labels = ways if encoding == "difference" else np.zeros_like(ways)
    return Part(
        np.array([r.id for r, _ in rows(part)]), RowTypes(labels, np.tile([0.6, 0.4], (len(ways), 1)), 1 + ways)
    )


@pytest.fixture
def config(tmp_path: Path) -> RankerKnowledgeConfig:
    (tmp_path / "prepared").mkdir()
    write_records(tmp_path / "prepared" / "records.parquet", [record for part in PARTS for record, _ in rows(part)])
    for encoding in ("difference", "input"):
        parts = {part: types_of(part, encoding) for part in PARTS}
        file = TypesOfRows("retrosynthesis", encoding, encoding[:1] * 64, "", np.arange(24), parts)
        file.save(tmp_path / f"{encoding}.npz")
    training = RankerTraining(hidden=32, dropout=0.0, epochs=25, batch_size=8, learning_rate=0.02)
    ranker = TrainRankerConfig(
        tmp_path / "prepared",
        tmp_path / "out",
        "retrosynthesis",
        feature_minimum=1,
        fingerprint=Fingerprint(bits=512),
        training=training,
    )
    types = (TypesOfNumber(tmp_path / "difference.npz", tmp_path / "input.npz"),)
    return RankerKnowledgeConfig(
        ranker, tmp_path / "table.json", tmp_path / "probes.json", types, seeds=(1, 2), answered_seeds=(1, 2)
    )


def first(ways: dict[str, Any]) -> float:
    """Return the exact match at 1 of the only way that an arm answers in."""
    (found,) = ways.values()
    return float(found["exact_match@1"]["mean"])


def silent(_: str) -> None:
    pass


def test_only_who_is_told_the_way_knows_it(config: RankerKnowledgeConfig) -> None:
    table: dict[str, Any] = json.loads(compare_knowledge(config, silent).read_text())
    arms = table["arms"]
    hits = {name: first(arm["ways"]) for name, arm in arms.items()}
    assert (hits["oracle-2"], hits["curated"]) == (1, 1)
    blind = {
        "off",
        "predicted-2",
        "predicted-2-mixed",
        "out_of_fold-2",
        "out_of_fold-2-mixed",
        "soft-2",
        "input_only-2",
    }
    assert {name: hits[name] for name in blind} == dict.fromkeys(blind, 0.5)  # of a product's two rows one is right
    assert set(hits) == blind | {"oracle-2", "curated", "shuffled-2"}
    assert {arm["knowledge"] for arm in arms.values()} == set(SOURCES)
    (gain,) = arms["oracle-2"]["compared"]
    assert gain["than"] == {"arm": "off", "way": "plain"}
    assert gain["exact_match@1"]["difference"] == 0.5
    assert gain["exact_match@1"]["interval"][0] > 0
    assert arms["off"]["compared"] == []
    assert {name for name, arm in arms.items() if "mixture" in arm["ways"]} == {
        "predicted-2-mixed",
        "out_of_fold-2-mixed",
    }
    assert (arms["input_only-2"]["encoding"], arms["soft-2"]["encoding"]) == ("input", "difference")
    for part in ("valid_a", "answered"):
        ranks = {name: arm["own_template"][part] for name, arm in arms.items()}
        assert [ranks["oracle-2"][f"among first {k}"]["mean"] for k in (1, 3, 5, 10)] == [1, 1, 1, 1]
        assert [ranks["off"][f"among first {k}"]["mean"] for k in (1, 3)] == [0.5, 1]
        assert ranks["oracle-2"]["difference_to_off"]["among first 1"]["difference"] == 0.5
    assert [(arm["n"], arm["rows"], arm["seeds"]) for arm in arms.values()] == [(8, 24, [1, 2])] * len(arms)
    assert table["covered"] == 1
    assert len(arms_table(arms)) == 2 + len(arms)  # the page shows them all
    assert table["types_sha256"] == {"2": "d" * 64, "2 inputs": "i" * 64}


def test_a_killed_comparison_goes_on(config: RankerKnowledgeConfig) -> None:
    config = replace(config, knowledge=("off", "predicted"), seeds=(1,), answered_seeds=(1,))
    table = compare_knowledge(config, silent)
    first, out = table.read_bytes(), config.ranker.output
    whole = (out / "predicted-2.1.jsonl").read_text()
    (out / "predicted-2.1.jsonl").write_text(whole[: len(whole) // 2])
    (out / "off.1.jsonl").unlink()
    trained = {path: path.stat().st_mtime_ns for path in (out / "rankers").iterdir()}
    said: list[str] = []
    assert compare_knowledge(config, said.append).read_bytes() == first
    assert (out / "predicted-2.1.jsonl").read_text() == whole
    assert {path: path.stat().st_mtime_ns for path in (out / "rankers").iterdir()} == trained
    assert sum("answered" in line for line in said) == 2


def test_a_network_that_does_not_answer_is_still_ranked(config: RankerKnowledgeConfig) -> None:
    config = replace(config, knowledge=("off",), answered_seeds=(2,))
    arm = json.loads(compare_knowledge(config, silent).read_text())["arms"]["off"]
    assert len(arm["own_template"]["answered"]["among first 1"]["by_seed"]) == 2
    assert len(arm["ways"]["plain"]["exact_match@1"]["by_seed"]) == 1
    assert not (config.ranker.output / "off.1.jsonl").exists()
    ranked = json.loads(compare_knowledge(replace(config, answered_seeds=()), silent).read_text())["arms"]["off"]
    assert (ranked["status"], ranked["ways"], ranked["own_template"]) == ("not run", {}, arm["own_template"])


def test_predictions_are_of_every_row_that_is_answered(config: RankerKnowledgeConfig) -> None:
    compare_knowledge(replace(config, knowledge=("off",), seeds=(1,), answered_seeds=(1,)), silent)
    found = read(config.ranker.output / "off.1.jsonl")
    assert found.header.model == "template ranker, off, seed 1"
    assert [row.target for row in found.rows] == [".".join(r.reaction.reactants) for r, _ in rows("test")]


def test_arms_that_learn_the_same_share_a_network() -> None:
    assert Arm("predicted", 6).learned == Arm("predicted", 6, mixed=True).learned == Arm("oracle", 6).learned
    assert len({Arm(k, 6).learned for k in SOURCES}) == len(SOURCES) - 1


def test_rows_without_types_are_named(config: RankerKnowledgeConfig, tmp_path: Path) -> None:
    parts = {part: types_of(part, "difference") for part in ("train", "valid_a")}
    TypesOfRows("retrosynthesis", "difference", "", "", np.arange(24), parts).save(tmp_path / "difference.npz")
    with pytest.raises(DataError, match="8 of 16 rows have no types"):
        compare_knowledge(config, silent)


def test_probes_say_what_is_known_without_being_told(config: RankerKnowledgeConfig) -> None:
    """The product does not tell the way, so no probe can read it; half of the rows are of either."""
    found = json.loads(probe_types(replace(config, seeds=(1,)), silent).read_text())["types"]["2"]
    assert set(found) == {"majority", "annotator", "ranker", "untrained"}
    assert {name: entry["mean"] for name, entry in found.items()} == dict.fromkeys(found, 0.5)
    assert found["ranker"]["difference_to_annotator"]["difference"] == 0


def test_a_probe_reads_what_the_product_says(config: RankerKnowledgeConfig, tmp_path: Path) -> None:
    """Types that are those of the products' rests are read by a probe, and not by an annotator that knows nothing."""
    parts = {}
    for part in PARTS:
        known = types_of(part, "difference")
        rests = np.arange(len(known.ids)) // 2 % 2
        parts[part] = replace(known, types=replace(known.types, labels=rests))
    TypesOfRows("retrosynthesis", "difference", "", "", np.arange(24), parts).save(tmp_path / "difference.npz")
    found = json.loads(probe_types(replace(config, seeds=(1,)), silent).read_text())["types"]["2"]
    accuracy = {name: entry["mean"] for name, entry in found.items()}
    assert accuracy == {"majority": 0.5, "annotator": 0.5, "ranker": 1, "untrained": 1}
