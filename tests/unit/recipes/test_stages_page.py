"""The table of strategies says what moves, whatever a file is called; and chains are cut as `only` says."""

from pathlib import Path

import pytest

from retort.config import build, read_values
from retort.errors import UnknownNameError
from retort.models.adapters import Policy
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.recipes.stages_page import chain_table, graphs_table, moving, strategies_table
from retort.recipes.train_stages import TrainStagesConfig
from retort.training.stages import Stage

STAGES = (
    Stage("one", {"rows": 1.0}, Policy("projector")),
    Stage("two", {"rows": 1.0}, Policy("adapters", encoders=True)),
    Stage("three", {"rows": 1.0}, Policy("all")),
)


def chain(*only: str) -> TrainStagesConfig:
    reader = MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=1, width=8))
    return TrainStagesConfig(Path("out"), Path("rows"), STAGES, only=only, reader=reader)


def test_what_moves_is_found_on_a_model() -> None:
    assert dict(moving(chain())) == {
        "one": ["projector"],
        "two": ["adapters", "projector", "graph encoder"],
        "three": ["adapters", "language model", "projector"],  # the adapters of the stage before are still there
    }


def test_a_chain_may_be_cut() -> None:
    assert [stage.name for stage in chain("three", "one").stages] == ["three", "one"]
    with pytest.raises(UnknownNameError, match="'four'"):
        chain("four")


def test_names_of_strategies_are_what_they_do(repository: Path) -> None:
    folder = repository / "configs" / "presto" / "strategies"
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in strategies_table(folder)[2:]]
    found: dict[str, dict[str, str]] = {}
    strategy = ""
    for name, _, stage, _, _, trained in rows:
        strategy = name or strategy
        found.setdefault(strategy, {})[stage] = trained
    assert len(found) == len(list(folder.glob("*.toml"))) - 1
    assert "alignment" not in found["without_alignment"]
    assert "reaction_pretraining" not in found["without_reaction_pretraining"]
    assert list(found["tuning_alone"]) == ["language", "tuning_everything"]
    assert found["projector_alone"]["tuning_projector"] == "projector"
    assert found["adapters"]["tuning_adapters"] == "adapters, projector"
    assert found["three_stages"]["alignment"] == "projector, graph encoder"
    for path in folder.glob("*.toml"):
        values = read_values(path)
        values.pop("recipe")
        config = build(TrainStagesConfig, values, str(path))
        assert path.stem == "base" or config.output == Path("runs/presto/strategies") / path.stem


def test_measured_tables() -> None:
    stage = {
        "policy": "all",
        "trained": ["a", "b"],
        "steps": 3,
        "places": 1000,
        "before": {"x": 2.0},
        "after": {"x": 1.5},
    }
    assert chain_table({"one": stage})[-1] == "| one | all | 2 | 3 | 1,000 | x 2.00 -> 1.50 |"
    figure = {"mean": 0.5, "interval": [0.4, 0.6]}
    kind = {"n": 1000, **dict.fromkeys(("own_molecules", "other_molecules", "gain", "better"), figure)}
    assert graphs_table({"kinds": {"graph_to_smiles": kind}})[-1].startswith("| graph to smiles | 1,000 | 0.500 [0.400")
