"""Baselines from a prepared folder to answers, behind the same predictor as every model."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.config import build
from retort.data.prepare import write_manifest, write_records
from retort.data.records import Record
from retort.errors import ConfigError, DataError, UsageError
from retort.inference.predictor import Predictor
from retort.recipes.train_baseline import TrainBaselineConfig, train_baseline

AMIDE = (
    "{0}[CH2:1][C:2](=[O:3])O.[NH2:4][CH2:5][CH3:6]>>{0}[CH2:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]",
    "CCN(CC)CC.ClCCl",
)
PHENYL = "[c:5]1[cH:6][cH:7][cH:8][cH:9][cH:13]1"
ETHER = (f"{{0}}[CH2:1]Br.[OH:4]{PHENYL}>>{{0}}[CH2:1][O:4]{PHENYL}", "CC(C)=O")
METHYL, ETHYL, PROPYL = "[CH3:10]", "[CH3:11][CH2:10]", "[CH3:11][CH2:12][CH2:10]"
TASKS = {name: {} for name in ("retrosynthesis", "forward_prediction", "reagent_prediction")}


def record(family: tuple[str, str], end: str, split: str, source: str = "made_up") -> Record:
    mapped = family[0].format(end)
    before, after = mapped.split(">>")
    reaction = Reaction(components(before), components(family[1]), components(after))
    return Record(f"{source}:{split}:{mapped}", source, split, reaction, mapped=mapped)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    train = [record(family, end, "train") for family in (AMIDE, ETHER, AMIDE) for end in (METHYL, ETHYL)]
    held = [record(ETHER, PROPYL, "test"), record(ETHER, METHYL, "train", "other")]
    write_records(folder / "records.parquet", [*train, *held])
    write_manifest(folder, {})
    return folder


def made(prepared: Path, kind: str, tasks: Any = None) -> Predictor:
    output = prepared.parent / kind
    values = {"kind": kind, "prepared": str(prepared), "output": str(output), "tasks": tasks or TASKS}
    values["templates"] = str(prepared.parent / "templates")
    folder = train_baseline(build(TrainBaselineConfig, values, "test"), say=lambda _: None)
    assert folder == output
    return Predictor.load(str(folder))


def test_popularity_gives_the_most_frequent_train_answer(prepared: Path) -> None:
    found = made(prepared, "popularity").reagent_prediction("CC.O>>CCO", 2)
    assert [c.smiles for c in found.candidates] == ["CCN(CC)CC.ClCCl", "CC(C)=O"]
    assert found.candidates[0].proposer == "popularity"
    assert "learned nothing" in found.message
    assert found.candidates[0].confidence is None


def test_the_nearest_reaction_answers_every_task(prepared: Path) -> None:
    predictor = made(prepared, "nearest_reaction")
    assert predictor.retrosynthesis("CCOc1ccccc1F", 1).candidates[0].smiles == "CCBr.Oc1ccccc1"
    assert predictor.forward_prediction("CCBr.Oc1ccccc1F", 1).candidates[0].smiles == "CCOc1ccccc1"
    assert predictor.reagent_prediction("CCBr.Oc1ccccc1F>>CCOc1ccccc1F", 1).candidates[0].smiles == "CC(C)=O"
    assert predictor.retrosynthesis("C1CC", 1).status == "invalid_input"


def test_the_nearest_template_is_applied_to_the_query(prepared: Path) -> None:
    tasks = {name: {} for name in ("retrosynthesis", "forward_prediction")}
    predictor = made(prepared, "nearest_template", tasks)
    found = predictor.retrosynthesis("CCOc1ccc(F)cc1", 1).candidates[0]
    assert (found.smiles, found.proposer) == ("CCBr.Oc1ccc(F)cc1", "nearest_template")
    assert predictor.forward_prediction("CCBr.Oc1ccc(F)cc1", 1).candidates[0].smiles == "CCOc1ccc(F)cc1"
    assert predictor.reagent_prediction("CC.O>>CCO").status == "no_answer"


def test_only_train_rows_of_the_chosen_sources_are_used(prepared: Path) -> None:
    (prepared / "records.parquet").unlink()
    rows = [record(AMIDE, METHYL, "train"), record(ETHER, METHYL, "train", "other"), record(ETHER, ETHYL, "test")]
    write_records(prepared / "records.parquet", rows)
    found = made(prepared, "popularity", {"reagent_prediction": {"sources": ["made_up"]}})
    assert [c.smiles for c in found.reagent_prediction("CC.O>>CCO").candidates] == ["CCN(CC)CC.ClCCl"]
    every = made(prepared, "popularity", {"reagent_prediction": {}})
    assert len(every.reagent_prediction("CC.O>>CCO").candidates) == 2


def test_a_task_without_rows_is_an_error(prepared: Path) -> None:
    with pytest.raises(DataError, match="no training rows for reagent_prediction"):
        made(prepared, "popularity", {"reagents": {"sources": ["nowhere"]}})
    assert not (prepared.parent / "popularity").exists()


def test_templates_for_reagents_are_refused(prepared: Path) -> None:
    with pytest.raises(ConfigError, match="cannot answer 'reagent_prediction'"):
        made(prepared, "nearest_template")


def test_another_folder_is_not_overwritten(prepared: Path) -> None:
    (prepared.parent / "popularity").mkdir()
    (prepared.parent / "popularity" / "precious.txt").write_text("x")
    with pytest.raises(UsageError, match="not a model folder"):
        made(prepared, "popularity")
    assert (prepared.parent / "popularity" / "precious.txt").exists()


def test_the_folder_says_what_it_came_from(prepared: Path) -> None:
    made(prepared, "popularity")
    card = json.loads((prepared.parent / "popularity" / "model.json").read_text())
    manifest = json.loads((prepared / "manifest.json").read_text())
    assert card["provenance"]["prepared_sha256"] == manifest["files"]["records.parquet"]
