"""What is frozen stays, what is not moves, and patience and budgets end a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig

TRAINING = TrainingConfig(
    total_tokens=3_000,
    tokens_per_batch=256,
    max_source_length=64,
    max_target_length=64,
    warmup_tokens=500,
    device="cpu",
)


def test_frozen_weights_stay(tmp_path: Path, prepared: Path, card: Seq2SeqConfig, vocabulary: Vocabulary) -> None:
    training = replace(TRAINING, freeze=("network.encoder.block",))
    torch.manual_seed(training.seed)
    before = BACKBONES.get("t5").build(replace(card, vocabulary_size=len(vocabulary))).state_dict()
    folder = train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))
    after = checkpoint.load(folder).network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if not name.startswith("encoder.block")}


def test_a_freeze_that_fits_nothing_is_refused(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    training = replace(TRAINING, freeze=("encoder.nothing",))
    with pytest.raises(ConfigError, match=r"no parameter starts with 'encoder\.nothing'"):
        train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))


def test_training_starts_from_a_folder(
    tmp_path: Path, prepared: Path, card: Seq2SeqConfig, vocabulary: Vocabulary
) -> None:
    config = TrainConfig(prepared=prepared, output=tmp_path / "first", training=TRAINING, model=card)
    first = train(config)
    still = replace(TRAINING, total_tokens=1, peak_learning_rate=1e-12)
    second = train(replace(config, output=tmp_path / "second", training=still, start_from=first))
    a, b = checkpoint.load(first), checkpoint.load(second)
    torch.testing.assert_close(a.network.state_dict(), b.network.state_dict(), rtol=0, atol=1e-6)
    assert b.card["parents"] == [a.card["files"]["model.safetensors"]]
    alien = tmp_path / "alien"
    BACKBONES.get("t5").build(replace(card, vocabulary_size=len(vocabulary) + 1)).save_pretrained(alien)
    with pytest.raises(ModelError, match="knows"):
        train(replace(config, output=tmp_path / "third", start_from=alien))


def test_a_limit_holds_attention_scores(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    """A rate that drives them up meets the limit at every look, and only there."""
    free = replace(TRAINING, optimizer="muon", peak_learning_rate=0.05, score_limit=1e9, score_steps=2, log_seconds=0)
    seen = {}
    for name, limit in (("free", 1e9), ("held", 3.0)):
        training = replace(free, score_limit=limit)
        train(TrainConfig(prepared=prepared, output=tmp_path / name, training=training, model=card))
        lines = [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text("utf-8").splitlines()]
        seen[name] = [line["largest_score"] for line in lines if "largest_score" in line]
    assert max(seen["free"]) > 2 * max(seen["held"]) > 2 * 3.0


def test_patience_ends_a_run(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    training = replace(
        TRAINING, total_tokens=10**9, peak_learning_rate=1e-12, evaluate_tokens=500, patience=2, log_seconds=1e9
    )
    folder = train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))
    events = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert events[0]["event"] == "start"
    assert checkpoint.read_card(folder)["position"]["stale"] == 2
    assert len([e for e in events if e["event"] == "valid"]) >= 3


def test_a_time_budget_ends_a_run_decayed(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    training = replace(TRAINING, total_tokens=None, budget_minutes=0.02, decay_fraction=0.5, log_seconds=0)
    folder = train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))
    assert folder.name == "final"
    events = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    rates = [e["lr"] for e in events if e["event"] == "train"]
    assert rates[-1] < 0.5 * max(rates)


def test_a_divergent_run_says_so(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    training = replace(TRAINING, peak_learning_rate=1e30, warmup_tokens=0)
    with pytest.raises(ModelError, match="the gradient of step"):
        train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))
