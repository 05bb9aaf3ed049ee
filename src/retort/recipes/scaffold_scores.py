"""How a model does on held-out rows by chance, and on those whose ring systems are new: both, and what is lost.

``python -m retort.recipes.scaffold_scores CONFIG.toml [KEY=VALUE]...`` asks models the rows that
:mod:`retort.recipes.scaffold_benchmark` has written. Predictions are kept, and a run that was cut off goes on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.config import as_dict, load, option
from retort.data.tables import read_table
from retort.errors import ConfigError, DataError
from retort.evaluation import predictions as files
from retort.evaluation.scoring import LEVEL, RESAMPLES, bootstrap_means, table
from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS
from retort.recipes.benchmark_results import commit, rounded
from retort.recipes.entry import run_with_config
from retort.recipes.evaluate import EvaluateRequest, evaluate
from retort.recipes.scaffold_benchmark import RANDOM

Say = Callable[[str], None]
Values = NDArray[np.float64]
FIGURES = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "validity@1")
SETS = {"random": RANDOM, "scaffolds": ""}


@dataclass(frozen=True)
class ScaffoldScoresConfig:
    """Models to ask twice."""

    benchmark: Path = option(help="folder that `python -m retort.recipes.scaffold_benchmark` has written")
    models: tuple[str, ...] = option(help="names or folders of models, those of training stages too")
    output: Path = option(help="folder that receives predictions")
    table: Path = option(help="JSON file of all figures")
    tasks: tuple[str, ...] = option(("forward_prediction", "retrosynthesis"), help="tasks that the benchmark has")
    rows: int | None = option(None, help="rows of each set, at most, drawn with the seed; all by default")
    top_k: int = option(10, help="candidates per query")
    seed: int = option(0, help="seed of rows and bootstrap")

    def __post_init__(self) -> None:
        if not self.models or not self.tasks:
            raise ConfigError("nothing would be asked.", "Name at least one model and one task.")


def scaffold_scores(config: ScaffoldScoresConfig, say: Say = print) -> Path:
    """Ask, score, compare and write the table; return it.

    Raises:
        InputFileError: The benchmark lacks a task.
        DataError: The benchmark has chosen no row of a task.
        ModelError: A model is damaged or missing.
    """
    found: dict[str, dict[str, Any]] = {TASKS.get(task).name: {} for task in config.tasks}
    for number, model in enumerate(config.models):
        predictor = Predictor.load(model)
        for task, by_model in found.items():
            why = predictor.declines(task)
            by_model[predictor.model] = {"declined": why} if why else _both(config, predictor, number, task)
            say(f"{predictor.model}, {task}: {why or 'asked'}")
    content = {"config": as_dict(config), "tasks": found, "commit": commit()}
    config.table.parent.mkdir(parents=True, exist_ok=True)
    config.table.write_text(json.dumps(rounded(content), indent=1, allow_nan=False) + "\n", "utf-8")
    return config.table


def _both(config: ScaffoldScoresConfig, predictor: Predictor, number: int, task: str) -> dict[str, Any]:
    """Return the figures of both sets, and how much lower those of new scaffolds are; the sets count as independent."""
    values = {name: _values(config, predictor, number, task, name) for name in SETS}
    means = {
        name: bootstrap_means(found, RESAMPLES, config.seed + place)
        for place, (name, found) in enumerate(values.items())
    }
    figures = {name: _figures(config, found.mean(axis=0), means[name]) for name, found in values.items()}
    lost = values["random"].mean(axis=0) - values["scaffolds"].mean(axis=0)
    fall = _figures(config, lost, means["random"] - means["scaffolds"])
    return {"n": {name: len(found) for name, found in values.items()}, **figures, "fall": fall}


def _values(config: ScaffoldScoresConfig, predictor: Predictor, number: int, task: str, name: str) -> Values:
    """Return what the answers of one set are worth, float64 [n, figures]; they are asked for where they are missing."""
    folder = config.output / f"{number}" / task
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / f"{name}.csv"
    rows = read_table(config.benchmark / f"{task}{SETS[name]}.csv")
    if not len(rows):
        raise DataError(f"{str(config.benchmark)!r} has no row of {task} with a new scaffold.", "Raise its threshold.")
    few = config.rows is not None and config.rows < len(rows)
    (rows.sample(config.rows, seed=config.seed) if few else rows).write_csv(asked)
    path = folder / f"{name}.jsonl"
    evaluate(predictor, EvaluateRequest(task, asked, top_k=config.top_k, predictions=path))
    names, values = table(files.read(path), config.top_k)
    return values[:, [names.index(figure) for figure in _names(config)]]


def _names(config: ScaffoldScoresConfig) -> list[str]:
    return [name for name in FIGURES if int(name.partition("@")[2]) <= config.top_k]


def _figures(config: ScaffoldScoresConfig, means: Values, resampled: Values) -> dict[str, Any]:
    """Return name -> mean with its interval, of means [figures] and those of resamples [resamples, figures]."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).tolist()
    return {name: {"mean": float(means[i]), "interval": [low[i], high[i]]} for i, name in enumerate(_names(config))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: scaffold_scores(load(ScaffoldScoresConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
