"""Low-rank adapters of a language model: the rest stays as it was, what is written has none, a cut run goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.errors import ConfigError
from retort.models import checkpoint
from retort.models.backbone import Seq2SeqConfig
from retort.models.lora_settings import LoraSettings
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig

TRAINING = TrainingConfig(
    total_tokens=4_000,
    tokens_per_batch=256,
    max_source_length=64,
    max_target_length=64,
    warmup_tokens=500,
    evaluate_tokens=2_000,
    decay_fraction=0.0,
    log_seconds=0,
    device="cpu",
)


@pytest.fixture
def start(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> Path:
    return train(TrainConfig(prepared, tmp_path / "start", TRAINING, model=card))


def tuned(start: Path, output: Path, prepared: Path, tokens: int = 4_000) -> Path:
    training = replace(TRAINING, total_tokens=tokens, peak_learning_rate=1e-2)
    lora = LoraSettings(rank=2, alpha=4, dropout=0.1)
    return train(TrainConfig(prepared, output, training, start_from=start, lora=lora))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder).network.state_dict()
    return state


def test_matrices_move_by_little_rank_and_nothing_else_moves(start: Path, tmp_path: Path, prepared: Path) -> None:
    before, after = weights(start), weights(tuned(start, tmp_path / "tuned", prepared))
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert not {name for name in moved if "layer_norm" in name or "shared" in name or "relative" in name}
    for name in moved:
        assert torch.linalg.matrix_rank(after[name] - before[name], rtol=1e-3) <= 2


def test_a_run_in_two_parts_is_the_run_in_one(start: Path, tmp_path: Path, prepared: Path) -> None:
    whole = weights(tuned(start, tmp_path / "whole", prepared))
    tuned(start, tmp_path / "parts", prepared, tokens=2_000)
    parts = weights(tuned(start, tmp_path / "parts", prepared))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_adapters_need_a_start_and_a_plain_pass(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start_from"):
        TrainConfig(tmp_path, tmp_path, TRAINING, lora=LoraSettings())
    with pytest.raises(ConfigError, match="compile"):
        TrainConfig(tmp_path, tmp_path, replace(TRAINING, compile=True), start_from=tmp_path, lora=LoraSettings())
