"""From records to a placer's answers: rows are made, the network is trained, and a model folder answers with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from retort.chem.reaction import Reaction
from retort.data.prepare import write_records
from retort.data.records import Record
from retort.errors import DataError
from retort.inference.model_folder import seal
from retort.inference.predictor import Predictor
from retort.models.placer import PlacerSize
from retort.recipes.entry import UnfinishedError
from retort.recipes.extend import ExtendConfig, extend
from retort.recipes.release import ProposerChoice, TaskChoice
from retort.recipes.train_placer import TrainPlacerConfig, train_placer
from retort.training.placer_settings import PlacerTraining

TRAINING = PlacerTraining(epochs=25, batch_size=8, learning_rate=3e-3, precision="fp32", dropout=0.0)


def _records() -> Iterator[Record]:
    """Yield amides and ethers with maps; one more of each is held out, and one that has no template."""
    for n in range(1, 9):
        split = "train" if n < 8 else "valid_a"
        tail = "".join(f"[CH2:{10 + i}]" for i in range(n))
        amide = f"[CH3:1]{tail}[C:2](=[O:3])[OH:99].[NH2:4][CH3:5]>>[CH3:1]{tail}[C:2](=[O:3])[NH:4][CH3:5]"
        ether = f"[CH3:1]{tail}[OH:2].Br[CH2:3][CH3:4]>>[CH3:1]{tail}[O:2][CH2:3][CH3:4]"
        yield _record(f"amide{n}", split, amide, ("C" * (n + 1) + "C(=O)O", "CN"), "C" * (n + 1) + "C(=O)NC")
        yield _record(f"ether{n}", split, ether, ("CCBr", "C" * (n + 1) + "O"), "C" * (n + 1) + "OCC")
    yield _record("none", "train", None, ("CO",), "COC")


def _record(name: str, split: str, mapped: str | None, reactants: tuple[str, ...], product: str) -> Record:
    reaction = Reaction.parse(f"{'.'.join(reactants)}>>{product}")
    return Record(name, "made_up", split, reaction, mapped=mapped)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainPlacerConfig:
    folder = tmp_path_factory.mktemp("placer")
    write_records(folder / "records.parquet", list(_records()))
    return TrainPlacerConfig(folder, folder / "run", evaluate_rows=10, size=PlacerSize(32, 2, 2, 48), training=TRAINING)


@pytest.fixture(scope="module")
def placer(config: TrainPlacerConfig) -> Path:
    return train_placer(config, lambda text: None)


def test_figures_stand_beside_the_placer(placer: Path) -> None:
    metrics = json.loads(placer.with_suffix(".metrics.json").read_text("utf-8"))
    assert metrics["rows"] == {"train": 14, "valid_a": 2}
    assert metrics["left_out"]["train"] == {"no atom map": 1}
    assert metrics["valid_a"]["made_up"]["n"] == 2
    assert metrics["valid_a"]["made_up"]["template_placer"]["exact_match@1"][0] == 1.0


def test_a_model_folder_answers_with_it(placer: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    seal(empty, {"name": "small", "release": "0", "proposers": {}, "tasks": {}})
    choice = {"places": ProposerChoice("template_placer", placer)}
    task = {"retrosynthesis": TaskChoice(trained=True, proposers=("places",))}
    folder = extend(ExtendConfig(str(empty), tmp_path / "model", "1", choice, task), lambda text: None)
    answer = Predictor.load(str(folder)).retrosynthesis("CCCCCCCCCCCC(=O)NC", top_k=2)
    first = answer.candidates[0]
    assert (first.smiles, first.proposer) == ("CCCCCCCCCCCC(=O)O.CN", "template_placer")
    assert -0.7 < first.score <= 0
    refused = Predictor.load(str(folder)).retrosynthesis("[Na+]")
    assert refused.status == "no_answer"


def test_a_run_that_has_no_time_says_how_to_go_on(config: TrainPlacerConfig, tmp_path: Path) -> None:
    short = TrainPlacerConfig(
        config.prepared,
        tmp_path,
        evaluate_rows=0,
        size=config.size,
        training=PlacerTraining(epochs=2, max_minutes=0.0, precision="fp32"),
    )
    with pytest.raises(UnfinishedError, match="goes on from"):
        train_placer(short, lambda text: None)
    assert train_placer(short, lambda text: None).is_file()


def test_rows_without_any_template_are_an_error(tmp_path: Path) -> None:
    write_records(tmp_path / "records.parquet", [_record("none", "train", None, ("CO",), "COC")])
    with pytest.raises(DataError, match="local template"):
        train_placer(TrainPlacerConfig(tmp_path, tmp_path / "run"), lambda text: None)
