"""The real process, interrupted in real ways: killed, stopped by Ctrl-C, a reader that leaves, a full device."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retort.inference.toy_model import write_toy_model

ROWS = 1000
COMMAND = [sys.executable, "-m", "retort", "predict", "forward", "-k", "3"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    write_toy_model(folder / "toy")
    rows = ["" if i % 50 == 0 else "C" * (1 + i % 30) + "O" * (1 + i // 30 % 9) for i in range(ROWS)]
    (folder / "in.txt").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(autouse=True)
def _interrupts_arrive() -> Iterator[None]:
    """Undo an inherited "ignore" (a shell starts background jobs so), which child processes would inherit in turn."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)


def start(work: Path, *arguments: str, **streams: object) -> "subprocess.Popen[str]":
    here = {name: str(work / name) for name in ("in.txt", "whole.jsonl", "killed.jsonl", "stopped.jsonl")}
    command = [*COMMAND, "-m", str(work / "toy"), *(here.get(word, word) for word in arguments)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **streams)  # type: ignore[call-overload]


def stop_after_some_rows(process: "subprocess.Popen[str]", ledger: Path, number: signal.Signals) -> str:
    """Send a signal once rows were written; return what the process said on standard error."""
    while process.poll() is None:
        if ledger.exists() and 0 < json.loads(ledger.read_text())["rows"] < ROWS:
            process.send_signal(number)
            break
        time.sleep(0.005)
    return process.communicate()[1]


@pytest.fixture(scope="module")
def uninterrupted(work: Path) -> bytes:
    process = start(work, "-i", "in.txt", "-o", "whole.jsonl")
    process.communicate()
    return (work / "whole.jsonl").read_bytes()


def test_killed_batches_resume_to_the_same_bytes(work: Path, uninterrupted: bytes) -> None:
    output, ledger = work / "killed.jsonl", work / "killed.jsonl.progress.json"
    process = start(work, "-i", "in.txt", "-o", "killed.jsonl")
    stop_after_some_rows(process, ledger, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 0 < len(output.read_bytes()) < len(uninterrupted)
    process = start(work, "-i", "in.txt", "-o", "killed.jsonl")
    process.communicate()
    assert process.returncode == 1  # every fiftieth query is empty
    assert output.read_bytes() == uninterrupted


def test_ctrl_c_is_one_line_and_the_batch_goes_on(work: Path, uninterrupted: bytes) -> None:
    ledger = work / "stopped.jsonl.progress.json"
    process = start(work, "-i", "in.txt", "-o", "stopped.jsonl")
    said = stop_after_some_rows(process, ledger, signal.SIGINT)
    assert process.returncode == 130
    assert said.startswith("error: interrupted: ")
    assert said.count("\n") == 1
    start(work, "-i", "in.txt", "-o", "stopped.jsonl").communicate()
    assert (work / "stopped.jsonl").read_bytes() == uninterrupted


def test_a_reader_that_leaves_ends_the_command_quietly(work: Path) -> None:
    process = start(work, "-i", "in.txt", "-f", "json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["status"] == "invalid_input"
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stream:
        assert stream.read() == ""
    assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_full_device_behind_standard_output_is_one_line(work: Path, form: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(work, "CCO", "-f", form, stdout=full)
        said = process.communicate()[1]
    assert said == "error: the disk is full: the output could not be written.\n"
    assert process.returncode == 1


def test_nothing_but_answers_is_printed_without_a_terminal(work: Path) -> None:
    process = start(work, "CCO", "-f", "json", stdout=subprocess.PIPE)
    out, err = process.communicate()
    assert err == ""
    assert json.loads(out)["query"] == "CCO"
    assert process.returncode == 0
