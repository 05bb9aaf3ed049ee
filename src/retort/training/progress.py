"""What a run tells: one JSON line per report in ``metrics.jsonl``, and a line or a live bar on standard error."""

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retort.errors import MissingExtraError

PEAK_BF16_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense bf16 peak of accelerators in floating-point operations per second, by a part of their name."""


class Metrics:
    """The file ``metrics.jsonl`` of a run and, if asked for, TensorBoard's event files beside it.

    On resuming, lines after the resumed step are dropped, and TensorBoard is told to drop such points.
    """

    def __init__(self, path: Path, *, after_step: int, tensorboard: bool = False) -> None:
        """Open the files of a run that has taken ``after_step`` steps.

        Raises:
            MissingExtraError: TensorBoard is asked for and not installed.
        """
        kept = [line for line in _lines(path) if json.loads(line).get("step", 0) <= after_step] if after_step else []
        path.write_text("".join(f"{line}\n" for line in kept), "utf-8")
        self._path = path
        self._board = _event_files(path.parent, after_step) if tensorboard else None

    def write(self, event: str, values: Mapping[str, Any]) -> None:
        """Append one line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "time": round(time.time(), 1), **values}) + "\n")
        if self._board is not None and "step" in values:
            for name, number in _numbers(event, values):
                self._board.add_scalar(name, number, values["step"])

    def close(self) -> None:
        """Write out what TensorBoard still holds back."""
        if self._board is not None:
            self._board.close()


class Console:
    """Progress for a person: a live bar on a terminal, else plain lines; both on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            self._bar = _live_bar()

    def report(self, progress: float, eta_seconds: float, values: Mapping[str, float]) -> None:
        """Show the share done (0..1), the time left and a few figures."""
        text = " ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._bar is not None:
            self._bar.update(0, completed=progress, description=f"{text} left {clock(eta_seconds)}")
        else:
            self.say(f"{100 * progress:5.1f} % {text} left {clock(eta_seconds)}")

    def say(self, text: str) -> None:
        """Print one line, above the bar where there is one."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def model_flops_utilisation(parameters: int, tokens_per_second: float, device_name: str) -> float | None:
    """Return the share of the device's bf16 peak that is used, 0..1, or None for a device of unknown peak.

    Counts six operations per parameter and token (Kaplan et al., arXiv:2001.08361); each token passes about half of an
    encoder-decoder, so three are counted here.
    """
    peaks = [peak for name, peak in PEAK_BF16_FLOPS.items() if name in device_name]
    return 3 * parameters * tokens_per_second / peaks[0] if peaks else None


def clock(seconds: float) -> str:
    """Return a duration as ``h:mm:ss``, or ``?`` for one that is not known."""
    if math.isnan(seconds):
        return "?"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yield the numbers of nested mappings under names joined by slashes; lists and texts are left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(f"{name}/{key}", inner)
    elif isinstance(value, (int, float)):
        yield name, float(value)


def _event_files(folder: Path, after_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError("training.tensorboard", "train") from error
    if not after_step:
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
    return SummaryWriter(folder, purge_step=after_step + 1 if after_step else None)


def _live_bar() -> Any:
    try:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    except ImportError:  # a bare training machine
        return None
    bar = Progress(
        BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), console=RichConsole(stderr=True)
    )
    bar.add_task("", total=1.0)
    bar.start()
    return bar
