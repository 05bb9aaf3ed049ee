"""Measure ratios of speed, all in one run on one machine.

``python benchmarks/bench.py [AREA ...] [--output FILE.json]``

Each area is a module beside this one with a function ``contests``. Without ``--output`` a table is printed and nothing
kept; with it the figures of the areas that ran replace their earlier ones, and a plot is drawn beside the file.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contest import machine
from retort.errors import RetortError

AREAS = ("startup", "decoding", "growth", "kernels", "planning", "preparation", "training")


def main() -> None:
    """Run the areas named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument("--output", type=Path, help="JSON file whose figures are replaced area by area")
    arguments = parser.parse_args()
    unknown = set(arguments.areas) - set(AREAS)
    if unknown:
        parser.error(f"no area {min(unknown)!r}; there are {', '.join(AREAS)}")
    console = Console()
    for area in arguments.areas or AREAS:
        found = measure(area, console)
        if arguments.output:
            keep(arguments.output, area, found)
    if arguments.output:
        from plot import draw

        draw(arguments.output, arguments.output.parent.parent / "images" / "performance.png")


def measure(area: str, console: Console) -> dict[str, Any]:
    """Run all contests of an area and print them; one that cannot run says why."""
    console.rule(area)
    module = importlib.import_module(area)
    found: dict[str, Any] = {"machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": _commit()}
    found["contests"], found["not_run"] = [], ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            for contest in module.contests(Path(folder)):
                figures = contest.run()
                found["contests"].append(figures)
                console.print(_table(figures))
        except (RetortError, FileNotFoundError) as error:
            found["not_run"] = str(error)
            console.print(f"not run: {error}")
    if hasattr(module, "facts") and not found["not_run"]:
        found["facts"] = module.facts()
        console.print(found["facts"])
    return found


def keep(path: Path, area: str, found: dict[str, Any]) -> None:
    """Put the figures of an area in the place of its earlier ones."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    ordered = {name: found if name == area else known[name] for name in AREAS if name == area or name in known}
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _table(figures: dict[str, Any]) -> Table:
    table = Table("way", f"ms per {figures['unit']}", "times faster", title=figures["work"], title_justify="left")
    for name, way in figures["ways"].items():
        table.add_row(name, _words(way["ms"], 1), "1" if name == figures["peer"] else _words(way["times_faster"], 2))
    if figures["agreement"]:
        table.caption = figures["agreement"]
    return table


def _words(spread: dict[str, float], digits: int) -> str:
    return f"{spread['median']:,.{digits}f} [{spread['low']:,.{digits}f}, {spread['high']:,.{digits}f}]"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
