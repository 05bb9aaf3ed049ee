"""The recipe, end to end on a handful of reactions: records in, ranker and metrics out."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.chem.fingerprints import Fingerprint
from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.prepare import write_records
from retort.data.records import Record
from retort.errors import DataError
from retort.models.ranker import Ranker
from retort.recipes.train_ranker import TrainRankerConfig, main, train_ranker
from retort.training.ranker_settings import RankerTraining

RESTS = ("[CH3:10]", "[CH3:11][CH2:10]", "[CH3:11][CH2:12][CH2:10]", "[CH3:11][CH:10]([CH3:12])")
AMIDE = "{0}[CH2:1][C:2](=[O:3])O.[NH2:4][CH2:5][CH3:6]>>{0}[CH2:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
PHENYL = "[c:5]1[cH:6][cH:7][cH:8][cH:9][cH:13]1"
ETHER = f"{{0}}[CH2:1]Br.[OH:4]{PHENYL}>>{{0}}[CH2:1][O:4]{PHENYL}"


def record(mapped: str, split: str, reagents: str, number: int) -> Record:
    before, after = mapped.split(">>")
    reaction = Reaction(components(before), components(reagents), components(after))
    name = f"made_up:{split}:{number}"
    return Record(name, "made_up", split, reaction, mapped=mapped, reaction_class=1 if "Br" in mapped else 2)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    families = ((AMIDE, "CCN(CC)CC.ClCCl"), (ETHER, "[H-].[Na+]"))
    texts = [(family.format(rest), reagents) for family, reagents in families for rest in RESTS]
    train = [record(text, "train", reagents, i) for i, (text, reagents) in enumerate(texts * 3)]
    held = [record(text, "valid_a", reagents, i) for i, (text, reagents) in enumerate(texts[::2])]
    write_records(folder / "records.parquet", [*train, *held])
    return folder


def settings(prepared: Path, output: Path, task: Any) -> TrainRankerConfig:
    kind: Any = "reaction" if task == "reagent_prediction" else "molecules"
    training = RankerTraining(hidden=32, dropout=0.0, epochs=25, batch_size=8, learning_rate=0.02)
    return TrainRankerConfig(
        prepared, output, task, feature_minimum=1, fingerprint=Fingerprint(kind=kind, bits=512), training=training
    )


@pytest.mark.parametrize("task", ["retrosynthesis", "forward_prediction", "reagent_prediction"])
def test_ranker_is_trained_saved_and_scored(task: str, prepared: Path, tmp_path: Path) -> None:
    said: list[str] = []
    path = train_ranker(settings(prepared, tmp_path / "out", task), said.append)
    metrics = json.loads((tmp_path / "out" / f"{task}.metrics.json").read_text())
    ranker = Ranker.load(path)
    assert path == tmp_path / "out" / f"{task}.npz"
    assert ranker.meta.task == task
    assert len(ranker.classes) == metrics["classes"]
    assert metrics["train_rows"] == 24
    assert metrics["coverage"] == {"valid_a": 1.0}
    figures = metrics["valid_a"]["made_up"]
    assert figures["n"] == 4
    assert figures["ranker"]["exact_match@1"] == [1.0, 1.0, 1.0]
    assert sum(line.startswith("epoch") for line in said) == 25


def test_reaction_classes_and_baselines_come_where_they_belong(prepared: Path, tmp_path: Path) -> None:
    retro = train_ranker(settings(prepared, tmp_path / "out", "retrosynthesis"), lambda text: None)
    reagents = train_ranker(settings(prepared, tmp_path / "out", "reagent_prediction"), lambda text: None)
    counts = Ranker.load(retro).class_counts
    assert counts is not None
    assert counts.sum(axis=0).tolist() == [0, 12, 12, 0, 0, 0, 0, 0, 0, 0, 0]
    found = {
        path.name: json.loads(path.with_suffix(".metrics.json").read_text())["valid_a"]["made_up"]
        for path in (retro, reagents)
    }
    assert "class_known" in found["retrosynthesis.npz"]
    assert "popularity" not in found["retrosynthesis.npz"]
    assert found["reagent_prediction.npz"]["popularity"]["exact_match@1"][0] == 0.5
    assert found["reagent_prediction.npz"]["nearest_reaction"]["exact_match@1"][0] == 1.0


def test_rare_classes_are_left_out_and_counted(prepared: Path, tmp_path: Path) -> None:
    config = settings(prepared, tmp_path / "out", "reagent_prediction")
    with pytest.raises(DataError, match="no train row"):
        train_ranker(TrainRankerConfig(config.prepared, config.output, config.task, minimum_count=13), print)


def test_command_line_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    (tmp_path / "a.toml").write_text(f'prepared = "{tmp_path}"\noutput = "{tmp_path}"\ntask = "yield_prediction"\n')
    assert main([str(tmp_path / "a.toml")]) == 2
    assert "yield_prediction" in capsys.readouterr().err
