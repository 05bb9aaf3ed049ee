"""Contests of speed: the same work done in several ways, by turns, in one run on one machine.

A figure is a ratio to the first way, the *peer*, taken round by round, so that what else the machine does meanwhile
falls on both. Medians and quartiles over the rounds are kept; absolute times are there to be judged, not quoted.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

Way = Callable[[], object]


@dataclass(frozen=True)
class Contest:
    """One piece of work and the ways of doing it.

    Attributes:
        work: What is done, in words.
        unit: What a time is divided by, such as ``molecule``.
        units: How many of these one call does.
        ways: Name -> call that does the work; the first is the one that the others are compared with.
        rounds: How often each is called and timed, after one call to warm up where ``warm``.
        warm: Whether the first call of each way is left out.
        check: Says, from what the ways returned, how far they agree.
    """

    work: str
    unit: str
    units: int
    ways: Mapping[str, Way]
    rounds: int = 5
    warm: bool = True
    check: Callable[[Mapping[str, object]], str] | None = None

    def run(self) -> dict[str, Any]:
        """Time all ways by turns; return the figures as plain values, times in milliseconds per unit."""
        returned = {name: way() for name, way in self.ways.items()} if self.warm else {}
        times: dict[str, list[float]] = {name: [] for name in self.ways}
        for turn in range(self.rounds):
            for name in self._order(turn):
                start = time.perf_counter()
                returned[name] = self.ways[name]()
                times[name].append(1000 * (time.perf_counter() - start) / self.units)
        peer = next(iter(self.ways))
        return {
            "work": self.work,
            "unit": self.unit,
            "rounds": self.rounds,
            "peer": peer,
            "agreement": self.check(returned) if self.check else "",
            "ways": {name: _figures(found, times[peer]) for name, found in times.items()},
        }

    def _order(self, turn: int) -> Sequence[str]:
        """Every other round goes the other way round, so that nobody always comes first."""
        names = list(self.ways)
        return names if turn % 2 == 0 else names[::-1]


def _figures(times: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Return median and quartiles of the times, and of how many times faster than the peer each round was."""
    return {"ms": _spread(times), "times_faster": _spread([b / a for a, b in zip(times, peer, strict=True)])}


def _spread(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    assert low <= middle <= high
    return {"median": round(median(values), 4), "low": round(low, 4), "high": round(high, 4)}


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    model = next(_lines_of("/proc/cpuinfo", "model name"), platform.processor())
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}


def _lines_of(path: str, key: str) -> Iterator[str]:
    try:
        with Path(path).open(encoding="utf-8") as lines:
            yield from (line.partition(":")[2].strip() for line in lines if line.startswith(key))
    except OSError:
        return
