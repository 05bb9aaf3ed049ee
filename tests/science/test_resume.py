"""A run that was killed and taken up again is the run that was never killed, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.config import as_dict
from retort.data.collate import PreparedFolder
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig
from retort.training.lagged import Lagged
from retort.training.loop import FitResult, Run

TRAINING = TrainingConfig(
    total_tokens=12_000,
    tokens_per_batch=256,
    max_source_length=64,
    max_target_length=64,
    warmup_tokens=2_000,
    evaluate_tokens=3_000,
    label_smoothing=0.1,
    log_seconds=0,
    device="cpu",
    accumulation=2,
    task_weights={"retrosynthesis": 1.5},
)


class Killed(Run):
    """A run that receives SIGTERM during its nth step."""

    def __init__(self, *arguments: object, step: int) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._kill_at = step

    def _step(self) -> tuple[torch.Tensor, Lagged, float]:
        if self.position.step + 1 == self._kill_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return super()._step()


def killed_at(
    step: int, prepared: Path, vocabulary: Vocabulary, card: Seq2SeqConfig, output: Path, provenance: object
) -> FitResult:
    torch.manual_seed(TRAINING.seed)
    network = BACKBONES.get("t5").build(replace(card, vocabulary_size=len(vocabulary)))
    run = Killed(
        network, vocabulary, PreparedFolder.open(prepared), TRAINING, output, {"prepared": provenance}, step=step
    )
    with run.interruptible():
        return run.fit()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder).network.state_dict()
    return state


@pytest.mark.parametrize("step", [1, 9])
def test_killed_and_resumed_equals_uninterrupted(
    step: int, tmp_path: Path, prepare: Callable[[int], Path], card: Seq2SeqConfig, vocabulary: Vocabulary
) -> None:
    assert threading.current_thread() is threading.main_thread()
    prepared = prepare(2)
    dropping = replace(card, dropout=0.1)
    whole = train(TrainConfig(prepared=prepared, output=tmp_path / "whole", training=TRAINING, model=dropping))
    provenance = checkpoint.read_card(whole)["prepared"]
    stopped = killed_at(step, prepared, vocabulary, dropping, tmp_path / "parts", provenance)
    assert (stopped.outcome, stopped.folder.name, stopped.position.step) == ("stopped", "last", step)
    assert not (tmp_path / "parts" / "final").exists()
    resumed = train(TrainConfig(prepared=prepared, output=tmp_path / "parts", training=TRAINING, model=dropping))
    for name in ("final", "best", "last"):
        a, b = weights(whole.parent / name), weights(resumed.parent / name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a), name
    assert losses(whole.parent) == losses(resumed.parent)


def test_batches_made_ahead_are_the_same_ones(
    tmp_path: Path, prepare: Callable[[int], Path], card: Seq2SeqConfig
) -> None:
    """Two workers, begun anew in the middle of an epoch, against none."""
    prepared = prepare(2)
    config = TrainConfig(prepared=prepared, output=tmp_path / "none", training=TRAINING, model=card)
    ahead = replace(config, output=tmp_path / "two", training=replace(TRAINING, workers=2))
    first = replace(ahead.training, total_tokens=5_000, decay_fraction=0.0)
    assert TRAINING.decay_fraction > 0
    plain = train(replace(config, training=replace(TRAINING, decay_fraction=0.0)))
    train(replace(ahead, training=first))
    resumed = train(replace(ahead, training=replace(ahead.training, decay_fraction=0.0)))
    a, b = weights(plain), weights(resumed)
    assert all(torch.equal(a[key], b[key]) for key in a)


def losses(run: Path) -> list[tuple[str, int, float]]:
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [(e["event"], e["step"], e["loss"]) for e in events if e["event"] != "start"]


def test_a_larger_budget_goes_on(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    config = TrainConfig(prepared=prepared, output=tmp_path / "run", training=TRAINING, model=card)
    train(config)
    first = checkpoint.read_card(tmp_path / "run" / "final")["position"]
    train(config)
    again = checkpoint.read_card(tmp_path / "run" / "final")
    assert again["position"]["step"] == first["step"]
    assert again["metrics"]["tasks"]
    train(replace(config, training=replace(TRAINING, total_tokens=24_000)))
    longer = checkpoint.read_card(tmp_path / "run" / "final")["position"]
    assert first["tokens"] < 24_000 <= longer["tokens"]
    events = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    after = next(e for e in events if e["event"] == "train" and e["step"] == first["step"] + 1)
    assert after["lr"] == pytest.approx(TRAINING.peak_learning_rate)  # the stable phase again


def test_other_data_are_not_resumed(tmp_path: Path, prepare: Callable[[int], Path], card: Seq2SeqConfig) -> None:
    short = replace(TRAINING, total_tokens=1_000)
    train(TrainConfig(prepared=prepare(1), output=tmp_path / "run", training=short, model=card))
    with pytest.raises(ModelError, match="other data"):
        train(TrainConfig(prepared=prepare(2), output=tmp_path / "run", training=short, model=card))


def test_a_damaged_state_is_refused(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    config = TrainConfig(
        prepared=prepared, output=tmp_path / "run", training=replace(TRAINING, total_tokens=1_000), model=card
    )
    train(config)
    state = tmp_path / "run" / "last" / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot resume"):
        train(config)


def test_a_signal_to_all_processes_spares_those_that_make_batches(
    tmp_path: Path, prepared: Path, card: Seq2SeqConfig
) -> None:
    """`timeout` and a terminal's Ctrl-C reach the whole group; the run still writes last/ and goes on from it."""
    config = tmp_path / "run.toml"
    network = "\n".join(f"{key} = {value!r}" for key, value in as_dict(card).items())
    training = "total_tokens = 100_000_000\ntokens_per_batch = 256\nmax_source_length = 64\nmax_target_length = 64"
    places = f'prepared = "{prepared}"\noutput = "{tmp_path / "run"}"'
    loop = 'workers = 2\ndevice = "cpu"\nlog_seconds = 0'
    config.write_text(f"{places}\n[model]\n{network}\n[training]\n{training}\n{loop}\n", "utf-8")
    command = [sys.executable, "-m", "retort.recipes.train", str(config)]
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE, start_new_session=True)
    metrics = tmp_path / "run/metrics.jsonl"
    while process.poll() is None and '"train"' not in (metrics.read_text("utf-8") if metrics.exists() else ""):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    assert "goes on from" in said
    assert (tmp_path / "run/last/retort.json").is_file()
