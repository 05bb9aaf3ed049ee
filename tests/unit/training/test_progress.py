"""What a run writes down and shows."""

import json
from pathlib import Path

import pytest

from retort.training.progress import Console, Metrics, clock, model_flops_utilisation


def test_metrics_of_lost_steps_are_dropped_on_resuming(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = Metrics(path, after_step=0)
    for step in (1, 2, 3):
        first.write("train", {"step": step})
    Metrics(path, after_step=2).write("train", {"step": 3, "again": True})
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [(line["event"], line["step"], "again" in line) for line in lines] == [
        ("train", 1, False),
        ("train", 2, False),
        ("train", 3, True),
    ]
    Metrics(path, after_step=0)
    assert path.read_text("utf-8") == ""


def test_plain_lines_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.report(0.25, 3723, {"loss": 1.23456})
    console.close()
    assert capsys.readouterr().err == " 25.0 % loss 1.235 left 1:02:03\n"
    Console(quiet=True).say("nothing")
    assert capsys.readouterr().err == ""


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.6, 3600, 36_000)] == ["0:00:00", "0:01:00", "1:00:00", "10:00:00"]
    assert clock(float("nan")) == "?"


def test_utilisation_counts_three_operations_per_parameter_and_token() -> None:
    assert model_flops_utilisation(10**9, 98_900, "NVIDIA H200") == pytest.approx(0.3)
    assert model_flops_utilisation(10**9, 98_900, "an abacus") is None


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_reads_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra [train] is not installed")
    path = tmp_path / "metrics.jsonl"
    first = Metrics(path, after_step=0, tensorboard=True)
    first.write("start", {"step": 0, "device": "cpu"})
    for step in (1, 2, 3):
        first.write("train", {"step": step, "loss": 1 / step})
    first.write("valid", {"step": 3, "tasks": {"retrosynthesis": {"loss": 0.25}}})
    first.close()
    found = events(tmp_path)
    assert found["train/loss"] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert found["valid/tasks/retrosynthesis/loss"] == [(3, 0.25)]
    again = Metrics(path, after_step=2, tensorboard=True)
    again.write("train", {"step": 3, "loss": 9.0})
    again.close()
    assert events(tmp_path)["train/loss"] == [(1, 1.0), (2, 0.5), (3, 9.0)]
    Metrics(path, after_step=0, tensorboard=True).close()
    assert events(tmp_path) == {}


def test_without_tensorboard_no_event_file_is_written(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", after_step=0)
    metrics.write("train", {"step": 1, "loss": 2.0})
    metrics.close()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
