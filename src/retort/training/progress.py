"""What a run tells: one JSON line per report in ``metrics.jsonl``, and a line or a live bar on standard error."""

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PEAK_BF16_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense bf16 peak of accelerators in floating-point operations per second, by a part of their name."""


class Metrics:
    """The file ``metrics.jsonl`` of a run; on resuming, lines after the resumed step are dropped."""

    def __init__(self, path: Path, *, after_step: int) -> None:
        kept = [line for line in _lines(path) if json.loads(line).get("step", 0) <= after_step] if after_step else []
        path.write_text("".join(f"{line}\n" for line in kept), "utf-8")
        self._path = path

    def write(self, event: str, values: Mapping[str, Any]) -> None:
        """Append one line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "time": round(time.time(), 1), **values}) + "\n")


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
