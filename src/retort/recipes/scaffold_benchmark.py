"""A test set of reactions whose ring systems are new: what a model makes of chemistry it has not seen.

``python -m retort.recipes.scaffold_benchmark CONFIG.toml [KEY=VALUE]...`` reads a prepared folder and writes, per task,
the held-out rows that are far from everything in its train part, and beside them as many that are drawn from all
held-out rows by chance; ``retort evaluate`` takes both, and :mod:`retort.recipes.scaffold_scores` compares them. Which
rows have no ring, and what became of them, is in ``report.json``; ``similarity.png`` shows how far all rows are.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.config import as_dict, load, option
from retort.data.examples import canonical_example, fits
from retort.data.novelty import Molecules, Novelty, novelty
from retort.data.prepare import read_manifest, read_records
from retort.data.records import Record
from retort.data.splits import PARTS, TRAIN
from retort.errors import ConfigError, DataError, MissingExtraError
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config

RANDOM = ".random"  # between a task's name and the suffix of its rows by chance


@dataclass(frozen=True)
class ScaffoldConfig:
    """A benchmark of new scaffolds."""

    prepared: Path = option(help="prepared folder; all its train rows are what rows must be far from")
    output: Path = option(help="folder that receives <task>.csv, <task>.random.csv, report.json and similarity.png")
    tasks: tuple[str, ...] = option(("forward_prediction", "retrosynthesis"), help="tasks, one table each")
    part: str = option("test", help="held-out part that rows are taken from")
    sources: tuple[str, ...] = option((), help="sources that rows are taken from; empty: all")
    trained_on: tuple[Path, ...] = option((), help="further prepared folders whose train rows a model has seen")
    threshold: float = option(0.6, help="highest Tanimoto similarity to a train scaffold, not reached")
    limit: int = option(1000, help="most rows of a task, drawn with the seed")
    acyclic: bool = option(False, help="also take rows whose input has no ring, which have no scaffold to be new")
    bits: int = option(1024, help="length of the fingerprints")
    radius: int = option(2, help="bonds around each atom")
    seed: int = option(0, help="seed of the draw")

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ConfigError(f"threshold {self.threshold} is no similarity.", "Give a number above 0, 1 at most.")
        if self.part not in PARTS[1:]:
            raise ConfigError(f"{self.part!r} is no held-out part.", f"Choose among {', '.join(PARTS[1:])}.")


def scaffold_benchmark(config: ScaffoldConfig) -> Path:
    """Write the benchmark; return ``report.json``.

    Raises:
        DataError: A folder is damaged, or has no row of a task.
        MissingExtraError: matplotlib is not installed.
        ConfigError: The configuration contradicts itself.
    """
    folders = (config.prepared, *config.trained_on)
    records = read_records(config.prepared / "records.parquet")
    seen = {molecules for folder in folders for molecules in _trained_on(folder)}
    config.output.mkdir(parents=True, exist_ok=True)
    found = {name: _task_table(config, TASKS.get(name), records, seen) for name in config.tasks}
    _draw(config.output / "similarity.png", {name: table.novelty for name, table in found.items()}, config.threshold)
    report = {
        "config": as_dict(config),
        "prepared": {str(folder): read_manifest(folder)["files"]["records.parquet"] for folder in folders},
        "trained_on": len(seen),
        "tasks": {name: table.counts for name, table in found.items()},
    }
    path = config.output / "report.json"
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return path


@dataclass(frozen=True, eq=False)
class _Table:
    """One task's rows: how new they are, and how many were what."""

    novelty: Novelty
    counts: Mapping[str, Any]


def _trained_on(folder: Path) -> Iterator[Molecules]:
    """Yield both sides of every train reaction, with and without reagents, and every train molecule."""
    for record in read_records(folder / "records.parquet"):
        if record.split == TRAIN:
            reaction = record.reaction
            yield from (reaction.precursors, reaction.reactants, reaction.products)
    molecules = folder / "molecules.parquet"
    if molecules.is_file():
        import polars as pl

        for text in pl.read_parquet(molecules).filter(pl.col("split") == TRAIN)["smiles"]:
            yield tuple(text.split("."))


def _task_table(config: ScaffoldConfig, task: Task, records: Sequence[Record], seen: set[Molecules]) -> _Table:
    wanted = [
        record
        for record in records
        if record.split == config.part
        and fits(task, record)
        and (not config.sources or record.source in config.sources)
    ]
    if not wanted:
        raise DataError(f"{str(config.prepared)!r} has no rows of {task.name} in the part {config.part!r}.")
    examples = [canonical_example(task, record, row) for row, record in enumerate(wanted)]
    inputs = [example.prompt.removeprefix(f"<{task.name}>") for example in examples]
    molecules = [tuple(filter(None, text.replace(">", ".").split("."))) for text in inputs]
    found = novelty(molecules, seen, bits=config.bits, radius=config.radius)
    far = found.below(config.threshold, acyclic=config.acyclic)
    drawn = sorted(_drawn(far, config.limit, config.seed))
    by_chance = _drawn(np.arange(len(wanted)), len(drawn), config.seed)
    rows = [(inputs[i], examples[i].target, wanted[i].id, f"{found.similarity[i]:.4f}") for i in range(len(wanted))]
    _write(config.output / f"{task.name}.csv", [rows[i] for i in drawn])
    _write(config.output / f"{task.name}{RANDOM}.csv", [rows[i] for i in sorted(by_chance)])
    counts = {"rows": len(wanted), "without_ring": int(found.acyclic.sum()), "far": len(far), "chosen": len(drawn)}
    return _Table(found, counts)


def _drawn(rows: NDArray[np.int64], limit: int, seed: int) -> list[int]:
    """Return at most so many rows, drawn with a seed."""
    chosen: list[int] = np.random.default_rng(seed).permutation(rows)[:limit].tolist()
    return chosen


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["input", "target", "id", "similarity"])
        writer.writerows(rows)


def _draw(path: Path, found: Mapping[str, Novelty], threshold: float) -> None:
    """Draw the similarity of each task's rows to the nearest train scaffold, the threshold marked."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing similarities", "train") from error
    figure = Figure(figsize=(5.2 * len(found), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, rows) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        values = rows.similarity[~rows.acyclic]
        axes.hist(
            [values[values < threshold], values[values >= threshold]],
            bins=np.linspace(0, 1, 41),
            stacked=True,
            color=["#1f5fa8", "#c9ced6"],
            label=["far from training", "near"],
        )
        axes.axvline(threshold, color="#4a4f57", linewidth=0.8, linestyle=":")
        axes.set_title(f"{name.replace('_', ' ')}, {len(values):,} rows with rings", fontsize=10)
        axes.set_xlabel("Tanimoto similarity to the nearest train scaffold", fontsize=9)
        axes.set_ylabel("rows", fontsize=9)
        axes.legend(fontsize=8, frameon=False, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=160)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: scaffold_benchmark(load(ScaffoldConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
