"""The recipe that pretrains a graph encoder, on real molecules and on none."""

import json
from pathlib import Path

import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.errors import ConfigError, DataError, ModelError
from retort.models.graph_batch import GraphBatch
from retort.models.graph_checkpoint import load_graph_encoder
from retort.models.graph_encoder import GraphEncoderConfig
from retort.recipes.train_graph_encoder import TrainGraphEncoderConfig, train_graph_encoder
from retort.recipes.training import train_from
from retort.training.graph_settings import GraphPretraining


def config(output: Path, **changes: object) -> TrainGraphEncoderConfig:
    encoder = GraphEncoderConfig(layers=2, width=24)
    given = {"limit": 120, "encoder": encoder, "training": GraphPretraining(epochs=2, batch_size=16), **changes}
    return TrainGraphEncoderConfig(output=output, **given)  # type: ignore[arg-type]


def test_real_molecules_teach_an_encoder(data_root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    folder = train_graph_encoder(config(tmp_path), said.append)
    encoder = load_graph_encoder(folder)
    assert encoder.config == GraphEncoderConfig(layers=2, width=24)
    metrics = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    counts = metrics["molecules"]
    parts = ("train", "valid", "unreadable", "repeated")
    assert counts["read"] == 120 == sum(counts.get(name, 0) for name in parts)
    assert len(metrics["history"]) == 2
    assert metrics["metrics"]["atoms"]["n"] > 0
    assert "most frequent element" in said[-1]
    with torch.no_grad():
        states = encoder(GraphBatch.collate([molecular_graph("CCO")]))
    assert states.shape == (3, 24)


def test_prepared_graphs_are_used_again_and_made_anew_for_other_molecules(data_root: Path, tmp_path: Path) -> None:
    train_graph_encoder(config(tmp_path), lambda _: None)
    atoms = tmp_path / "graphs" / "train" / "graphs.atoms.npy"
    made = atoms.stat().st_mtime_ns
    train_graph_encoder(config(tmp_path), lambda _: None)
    assert atoms.stat().st_mtime_ns == made
    train_graph_encoder(config(tmp_path, limit=60), lambda _: None)
    assert atoms.stat().st_mtime_ns != made


def test_two_runs_of_one_seed_give_the_same_weights(data_root: Path, tmp_path: Path) -> None:
    first, second = (
        load_graph_encoder(train_graph_encoder(config(tmp_path / name, limit=60), lambda _: None)) for name in "ab"
    )
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_the_shipped_configuration_runs_small(data_root: Path, tmp_path: Path, repository: Path) -> None:
    path = repository / "configs" / "presto" / "graph_encoder.toml"
    small = ["limit=40", "training.epochs=1", "encoder.width=8", "encoder.layers=1", f"output='{tmp_path}'"]
    assert train_from(path, small) == tmp_path / "encoder"


def test_what_cannot_be_trained_on_is_refused(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'uspto_50k' holds reactions"):
        train_graph_encoder(config(tmp_path, sources=("uspto_50k",)), lambda _: None)
    with pytest.raises(DataError, match="too few"):
        train_graph_encoder(config(tmp_path, limit=1), lambda _: None)
    with pytest.raises(ConfigError, match="valid_share"):
        config(tmp_path, valid_share=0.0)


def test_a_folder_of_another_kind_or_damaged_is_refused(data_root: Path, tmp_path: Path) -> None:
    folder = train_graph_encoder(config(tmp_path, limit=60), lambda _: None)
    weights = folder / "graph_encoder.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="missing or damaged"):
        load_graph_encoder(folder)
    with pytest.raises(ModelError, match="not a model folder"):
        load_graph_encoder(tmp_path)
