"""Several processes under torchrun: the steps of one process with more accumulation, and exact resuming."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.config import load
from retort.data.batches import BatchLimits, plan_epoch
from retort.data.collate import PreparedFolder
from retort.models import checkpoint
from retort.models.backbone import Seq2SeqConfig
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig

# All runs of the test in one start of the processes; decay_fraction 0 leaves the rate independent of the budget.
PROGRAM = """
import sys
from pathlib import Path

from retort.config import load
from retort.recipes.train import TrainConfig, train

for run in sys.argv[2:]:
    train(load(TrainConfig, Path(sys.argv[1]), run.split()))
"""
CONFIG = """
[model]
d_model = 48
d_kv = 16
d_ff = 96
layers = 1
decoder_layers = 1
heads = 3
relative_attention_buckets = 32
[training]
total_tokens = 2_000
tokens_per_batch = 160
max_source_length = 64
max_target_length = 64
warmup_tokens = 200
decay_fraction = 0.0
evaluate_tokens = 800
keep_last = 2
device = "cpu"
"""


def launch(tmp_path: Path, prepared: Path, *runs: str) -> None:
    program, config = tmp_path / "program.py", tmp_path / "config.toml"
    program.write_text(PROGRAM, "utf-8")
    config.write_text(f"prepared = {str(prepared)!r}\noutput = 'set below'\n{CONFIG}", "utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    arguments = [str(program), str(config), *(run.format(tmp_path) for run in runs)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder).network.state_dict()
    return state


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_accumulation_and_resume_exactly(
    tmp_path: Path, prepare: Callable[[int], Path], card: Seq2SeqConfig
) -> None:
    prepared = prepare(2)
    launch(
        tmp_path,
        prepared,
        "output={}/two",
        "output={}/whole model.dropout=0.1 training.optimizer=muon",
        "output={}/parts model.dropout=0.1 training.optimizer=muon training.total_tokens=1000",
        "output={}/parts model.dropout=0.1 training.optimizer=muon",
    )
    training = replace(load(TrainConfig, tmp_path / "config.toml").training, accumulation=2)
    split, limits = PreparedFolder.open(prepared).split("train"), BatchLimits(160, 64, 64)
    assert {len(plan_epoch(split, limits, epoch=e, seed=0).batches) % 2 for e in range(4)} == {0}  # so that pairs match
    one = train(TrainConfig(prepared=prepared, output=tmp_path / "one", training=training, model=card))
    for name in ("final", "last", "best"):
        a, b = weights(one.parent / name), weights(tmp_path / "two" / name)
        assert a.keys() == b.keys()
        for key in a:
            torch.testing.assert_close(a[key], b[key], rtol=0, atol=1e-5, msg=f"{name} {key}")
    cards = [checkpoint.read_card(tmp_path / run / "final") for run in ("one", "two")]
    assert cards[0]["position"]["tokens"] == cards[1]["position"]["tokens"] >= 2_000
    assert cards[0]["metrics"]["loss"] == pytest.approx(cards[1]["metrics"]["loss"], abs=1e-4)
    for name in ("final", "last"):
        a, b = weights(tmp_path / "whole" / name), weights(tmp_path / "parts" / name)
        assert all(torch.equal(a[key], b[key]) for key in a), name
    names = [sorted(path.name for path in (tmp_path / run / "snapshots").iterdir()) for run in ("two", "whole")]
    assert [len(found) for found in names] == [2, 2]


def test_the_data_must_be_prepared_before_several_processes_start(
    tmp_path: Path, card: Seq2SeqConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retort.errors import ConfigError

    monkeypatch.setenv("WORLD_SIZE", "2")
    training = TrainingConfig(total_tokens=1)
    config = TrainConfig(prepared=tmp_path / "none", output=tmp_path / "run", training=training, model=card)
    with pytest.raises(ConfigError, match="is not there"):
        train(replace(config, prepare=tmp_path / "prepare.toml"))
