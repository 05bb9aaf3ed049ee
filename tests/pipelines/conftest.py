"""What the pipelines of a study share: made-up amides and esters, prepared, with elicited types of every row."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import canonicalize
from retort.config import load
from retort.data.prepare import write_records
from retort.data.records import Record
from retort.models.adapters import LoraSettings, Policy
from retort.models.causal import CausalConfig
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.recipes.elicit import elicit
from retort.recipes.elicitation_config import ElicitConfig
from retort.recipes.molecule_rows import make_molecule_rows
from retort.recipes.molecule_rows_config import MoleculeRows
from retort.recipes.prepare import PrepareConfig, prepare
from retort.recipes.row_types import RowTypesConfig, write_row_types
from retort.recipes.train_stages import TrainStagesConfig, train_stages
from retort.training.stages import Stage, StageTraining

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC", "ClCC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO"]
ALCOHOLS = ["OC", "OCC", "OCCC", "OC(C)C", "Oc1ccccc1", "OCCF"]
PREPARE = """
output = "prepared"
tasks = ["retrosynthesis"]
[[sources]]
name = "table"
path = "rows.csv"
[spelling]
copies = 2
with_class = 1.0
[hold_out]
valid = 0.3
test = 0.2
"""
ELICIT = """
prepared = "prepared"
output = "elicited"
types = [2, 3]
encodings = ["output", "input"]
[model]
d_model = 32
d_kv = 16
d_ff = 64
layers = 1
decoder_layers = 1
heads = 2
[feedback]
starts = 2
hold_out = [0.1, 0.1]
input_size = 4
[information]
input_size = 4
target_size = 2
folds = 2
inner_folds = 2
draws = 20
[search]
rows = [1.0]
"""


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with prepared rows, an encoder, and the types of every row."""
    home = tmp_path_factory.mktemp("study")
    _elicit(home, ("retrosynthesis",))
    write_row_types(RowTypesConfig(home / "prepared", _cells(home, "retrosynthesis"), home / "row_types", "table"))
    return home


@pytest.fixture(scope="session")
def joint_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same of two tasks; the types of each are in ``row_types/<task>``."""
    home = tmp_path_factory.mktemp("joint_study")
    tasks = ("retrosynthesis", "forward_prediction")
    _elicit(home, tasks, 'encodings=["output"]', "types=[3]")
    for task in tasks:
        types = RowTypesConfig(home / "prepared", _cells(home, task), home / "row_types" / task, "table")
        write_row_types(types)
    return home


def _cells(home: Path, task: str) -> tuple[Path, ...]:
    return tuple(sorted((home / "elicited" / "cells" / task).glob("*/rows-*/round-0")))


def _elicit(home: Path, tasks: Sequence[str], *changes: str) -> None:
    """Prepare made-up rows of some tasks and elicit their types."""
    amides = [f"{acid}C(=O)Cl.{amine}>>{acid}C(=O){amine},1" for acid in ACIDS for amine in AMINES]
    esters = [f"{acid}C(=O)O.{alcohol}>>{acid}C(=O){alcohol},2" for acid in ACIDS for alcohol in ALCOHOLS]
    (home / "rows.csv").write_text("\n".join(["reaction,reaction_class", *amides, *esters]))
    (home / "prepare.toml").write_text(PREPARE)
    (home / "elicit.toml").write_text(ELICIT)
    places = [f"output={home / 'prepared'}", f'sources=[{{name="table",path="{home / "rows.csv"}"}}]']
    prepare(load(PrepareConfig, home / "prepare.toml", [*places, f"tasks={list(tasks)}"]), say=lambda _: None)
    places = [f"prepared={home / 'prepared'}", f"output={home / 'elicited'}", f"tasks={list(tasks)}"]
    elicit(load(ElicitConfig, home / "elicit.toml", [*places, *changes]), say=lambda _: None)


GROUPS = ["C", "OCC", "N#CC", "CSC", "CC", "c1ccccc1C"]


@pytest.fixture(scope="session")
def stages(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a chain of two stages: amines made from graphs, learned by heart, then read apart by adapters."""
    home = tmp_path_factory.mktemp("stages")
    made = [Reaction(tuple(sorted((f"{group}Br", "CN"))), (), (canonicalize(f"{group}NC"),)) for group in GROUPS]
    parts = ["valid_a" if place == 4 else "train" for place in range(len(made))]
    records = [
        Record(f"made:{place}", "made", part, reaction)
        for place, (part, reaction) in enumerate(zip(parts, made, strict=True))
    ]
    write_records(home / "records.parquet", records)
    wanted = MoleculeRows(home, ("forward_prediction", "retrosynthesis"), protect=("t5chem_yields",), mode="both")
    make_molecule_rows(wanted, home / "rows", lambda _: None)
    train_stages(
        TrainStagesConfig(
            output=home / "chain",
            rows_folder=home / "rows",
            stages=(
                Stage("forward", {"forward_prediction": 1.0}, Policy("all", encoders=True), 40_000, 4e-3),
                Stage("backward", {"retrosynthesis": 1.0}, Policy("adapters", lora=LoraSettings(rank=4)), 2_000, 2e-3),
            ),
            causal=CausalConfig(width=48, inner_width=96, layers=2, heads=2, key_value_heads=2, positions=320),
            reader=MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=2, width=16)),
            training=StageTraining(places_per_batch=130, limit=64, evaluate_rows=4),
        ),
        lambda _: None,
    )
    return home / "chain"
