"""How many held-out targets are solved from a stock, by which search, and how fast.

``python -m retort.recipes.plan_benchmark CONFIG.toml [KEY=VALUE]...`` draws products of a source's test rows, plans
each with every search, and writes ``figures.json``. ``plans.jsonl`` keeps one line per target and search; a run that
was cut off goes on there. A target in stock is planned like any other. Every target counts; one that fails is not
solved. Times are those of the processor, so that other programs on the machine do not count; only ``timeout`` is a
clock's.
"""

import json
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retort.chem.smiles import canonical_or_none
from retort.config import as_dict, load, option
from retort.data.records import RawRow
from retort.data.source import SOURCES
from retort.errors import ConfigError, DataError, OutputError
from retort.evaluation.scoring import interval
from retort.inference.bulk import ResultFile
from retort.inference.planning.plan import TASK, Plan, PlanRequest, make_plan
from retort.inference.planning.search import SearchConfig
from retort.inference.planning.stocks import load_stock
from retort.inference.predictor import Predictor
from retort.recipes.benchmark_results import commit, rounded
from retort.recipes.entry import run_with_config

WITHIN = (1, 2, 5, 10, 30)  # processor seconds within which targets are counted as solved
PLANS, FIGURES = "plans.jsonl", "figures.json"
Row = dict[str, Any]


@dataclass(frozen=True)
class PlanBenchmarkConfig:
    """Targets to plan."""

    output: Path = option(help="folder of plans.jsonl and figures.json")
    stock: str = option(help="file or source of what is at hand")
    searches: dict[str, SearchConfig] = option(help="name -> how routes are searched")
    source: str = option("uspto_50k", help="source whose products are targets")
    split: str = option("test", help="published split of the targets; never train")
    targets: int = option(100, help="targets, drawn with the seed")
    model: str = option("retort-base", help="model that proposes steps")
    seed: int = option(0, help="seed of the draw and of the intervals")

    def __post_init__(self) -> None:
        if self.split == "train":
            raise ConfigError("targets of train rows measure memory.", "Take split = 'test' or 'valid'.")
        if self.targets < 1 or not self.searches:
            raise ConfigError("there is nothing to plan: no targets, or no searches.")


@dataclass(frozen=True)
class _Work:
    """All plans that are to be made: every target by every search, targets outside."""

    config: PlanBenchmarkConfig
    targets: Sequence[str]
    predictor: Predictor

    def plans(self, start: int) -> Iterator[tuple[str, str, Plan]]:
        """Yield target, search and plan, beginning with plan number ``start``, from 0."""
        pairs = [(target, name) for target in self.targets for name in self.config.searches]
        stock = load_stock(self.config.stock)
        for target, name in pairs[start:]:
            search = self.config.searches[name]
            request = PlanRequest(target, stock, self.config.stock, search, make_anyway=True)
            yield target, name, make_plan(self.predictor, request)


def plan_benchmark(config: PlanBenchmarkConfig, say: Callable[[str], None] = print) -> Path:
    """Plan all targets; return the file of figures.

    Raises:
        DataError: The source is not here or has no such rows.
        UsageError: The folder holds the plans of another run.
        OutputError: Something cannot be written.
    """
    predictor = Predictor.load(config.model)
    work = _Work(config, _targets(config), predictor)
    path = config.output / PLANS
    try:
        config.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
    settings = {**json.loads(json.dumps(as_dict(config))), "weights": predictor.fingerprint}
    file = ResultFile(path, settings, len(work.targets) * len(config.searches))
    for target, name, plan in work.plans(file.progress.rows):
        line = _line(target, name, plan, predictor.was_trained_on(TASK, target))
        file.append(json.dumps(line) + "\n", 1, int(plan.status != "ok"))
        say(f"{file.progress.rows}/{file.progress.of} {name}: {plan.status}, {line['cpu_seconds']:.1f} s")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    figures = {
        "config": settings,
        "commit": commit(),
        "searches": {
            name: _figures([row for row in rows if row["search"] == name], config) for name in config.searches
        },
    }
    (config.output / FIGURES).write_text(json.dumps(rounded(figures), indent=1, allow_nan=False) + "\n", "utf-8")
    return config.output / FIGURES


def _targets(config: PlanBenchmarkConfig) -> list[str]:
    """Return distinct products of the split, drawn with the seed."""
    source = SOURCES.get(config.source)
    rows = (row for row in source.read(source.root()) if isinstance(row, RawRow) and row.split == config.split)
    products = (canonical_or_none(row.reaction.rpartition(">")[2]) for row in rows)
    distinct = sorted({product for product in products if product})
    if not distinct:
        raise DataError(f"source {config.source!r} has no products in {config.split!r}.")
    return random.Random(config.seed).sample(distinct, min(config.targets, len(distinct)))


def _line(target: str, name: str, plan: Plan, seen: bool | None) -> Row:
    """Return what is kept of one plan."""
    found = plan.found
    return {
        "target": target,
        "search": name,
        "status": plan.status,
        "message": plan.message,
        "asked_before": seen,
        "in_stock": target in plan.request.stock,
        "cpu_seconds": 0.0 if found is None else found.cpu_seconds,
        "found": None if found is None else found.to_dict(),
        "steps": [len(route.steps) for route in plan.routes],
        "depth": [route.depth for route in plan.routes],
        "cost": [route.cost for route in plan.routes],
    }


def _figures(rows: Sequence[Row], config: PlanBenchmarkConfig) -> Row:
    """Return the share of solved targets with its interval, and what it took."""
    solved = [row for row in rows if row["status"] == "ok"]
    (low,), (high,) = interval(np.array([[row["status"] == "ok"] for row in rows], dtype=np.float64), config.seed)
    searched = [row["found"] for row in rows if row["found"]]
    return {
        "n": len(rows),
        "solved": len(solved) / len(rows),
        "interval": [low, high],
        "statuses": dict(Counter(row["status"] for row in rows)),
        "ended": dict(Counter(found["ended"] for found in searched)),
        "in_stock": sum(row["in_stock"] for row in rows),
        "asked_before": sum(bool(row["asked_before"]) for row in rows),
        "solved_within_cpu_seconds": {
            str(limit): sum(row["cpu_seconds"] <= limit for row in solved) / len(rows) for limit in WITHIN
        },
        "median_cpu_seconds": _median([row["cpu_seconds"] for row in rows]),
        "median_cpu_seconds_of_solved": _median([row["cpu_seconds"] for row in solved]),
        "median_expansions_to_first_route": _median([row["found"]["first_route_expansions"] for row in solved]),
        "mean_steps_of_first_route": statistics.fmean(row["steps"][0] for row in solved) if solved else None,
        "expansions": sum(found["expansions"] for found in searched),
        "asked": sum(found["asked"] for found in searched),
        "batches": sum(found["batches"] for found in searched),
    }


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_with_config(
        lambda path, overrides: plan_benchmark(
            load(PlanBenchmarkConfig, path, overrides), lambda text: print(text, file=sys.stderr)
        ),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
