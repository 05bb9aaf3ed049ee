"""How long the stages of a recipe take, at what rate, and how much memory this process needs at most."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_SAY_EVERY = 10.0  # seconds


@dataclass
class Timing:
    """Seconds and rows of each stage.

    Attributes:
        say: Told about progress, every ten seconds at most, and about the end of each stage.
        stages: Name -> ``seconds``, ``rows`` and ``rows_per_second``; rows that a killed run had finished count.
    """

    say: Callable[[str], None]
    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int], None]]:
        """Time a stage; the value of the context is called with each number of rows that are done."""
        start = said = time.monotonic()
        rows = 0

        def done(more: int) -> None:
            nonlocal rows, said
            rows += more
            now = time.monotonic()
            if now - said >= _SAY_EVERY:
                said = now
                self.say(f"{name}: {rows:,} rows, {rows / (now - start):,.0f} rows/s")

        yield done
        seconds = time.monotonic() - start
        rate = rows / seconds if seconds else 0.0
        self.stages[name] = {"seconds": round(seconds, 2), "rows": rows, "rows_per_second": round(rate, 1)}
        self.say(f"{name}: {rows:,} rows in {seconds:,.1f} s, {rate:,.0f} rows/s")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {"stages": self.stages, "seconds": self.seconds, "peak_memory_mib": peak_memory()}

    @property
    def seconds(self) -> float:
        """Of all stages together."""
        return round(sum(stage["seconds"] for stage in self.stages.values()), 2)

    def words(self) -> str:
        """Return the total as one line."""
        return f"{self.seconds:,.0f} s, at most {peak_memory():,} MiB of memory in the main process"


def peak_memory() -> int:
    """Return the largest resident set of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10
