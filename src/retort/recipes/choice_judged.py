"""Does a rule find the cell whose final model is best? Criterion and accuracy against models told each cell's types.

``python -m retort.recipes.choice_judged CONFIG.toml [KEY=VALUE]...`` joins the table of an elicitation with tables of
final models (:mod:`retort.recipes.ranker_knowledge`), which have read the types of held-out rows from their inputs. The
rules have seen train rows alone; the judge is valid part A.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort.config import load, option
from retort.errors import DataError, MissingExtraError
from retort.recipes.benchmark_results import commit, read_results, rounded
from retort.recipes.entry import run_with_config
from retort.recipes.interpretation import Run

FIGURE = "among first 1"
_FIGURES = ("criterion", "accuracy")
Cell = tuple[str, int]


@dataclass(frozen=True)
class ChoiceConfig:
    """Rules to judge."""

    run: Path = option(help="output folder of `retort elicit`")
    models: tuple[Path, ...] = option(help="tables of final models that were told the types of its cells")
    table: Path = option(help="JSON file to write")
    task: str = option("retrosynthesis", help="task whose cells are judged")


def judge_choice(config: ChoiceConfig) -> Path:
    """Join, compare and write the table; return it.

    Raises:
        ModelError: The elicitation is unfinished.
        ConfigError: A table of models is none.
        DataError: A cell that was measured has no final model, or fewer than three have one.
        MissingExtraError: SciPy is not installed.
    """
    task = Run.open(config.run).tasks[config.task]
    final = dict(_final(config.models))
    controls = {(c["encoding"], c["types"]) for c in task["cells"]} - final.keys()
    cells = [cell for cell in task["cells"] if (cell["encoding"], cell["types"]) in final]
    if len(cells) < 3 or len(cells) < len(final):
        raise DataError(f"{len(cells)} cells have both a criterion and a final model; {len(final)} have a model.")
    best = max(final.values(), key=lambda found: found["mean"])
    rows = [
        {**{key: cell[key] for key in ("encoding", "types", "standard_error", *_FIGURES)}, "final": final[_key(cell)]}
        for cell in cells
    ]
    content = {
        "cells": sorted(rows, key=lambda row: -row["final"]["mean"]),
        "without_a_model": sorted(map(list, controls)),
        "agreement": {name: _agreement(rows, name) for name in _FIGURES},
        "rules": {name: _judged(cell, final, best) for name, cell in _rules(task["rules"])},
        "search_share": task["search"]["share"],
        "commit": commit(),
    }
    config.table.parent.mkdir(parents=True, exist_ok=True)
    config.table.write_text(json.dumps(rounded(content), indent=1, allow_nan=False) + "\n", "utf-8")
    return config.table


def _final(tables: Sequence[Path]) -> Iterator[tuple[Cell, Mapping[str, Any]]]:
    """Yield each cell with the figures of the model that was told the likeliest type of each row."""
    for path in tables:
        for entry in read_results(path).values():
            if entry["knowledge"] == "predicted" and not entry["mixed"]:
                yield _key(entry), entry["own_template"]["valid_a"][FIGURE]


def _agreement(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    """Return rank correlations of a figure with that of the final models, and their two-sided p-values."""
    try:
        from scipy.stats import kendalltau, spearmanr
    except ImportError as error:
        raise MissingExtraError("judging a choice of types", "train") from error
    pairs = [row[name] for row in rows], [row["final"]["mean"] for row in rows]
    tau, rho = kendalltau(*pairs), spearmanr(*pairs)
    return {
        "kendall": float(tau.statistic),
        "kendall_p": float(tau.pvalue),
        "spearman": float(rho.statistic),
        "spearman_p": float(rho.pvalue),
    }


def _rules(rules: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every rule that takes one cell, and what it takes."""
    for name, cell in rules.items():
        if cell and "types" in cell:
            yield name, cell


def _judged(
    cell: Mapping[str, Any], final: Mapping[Cell, Mapping[str, Any]], best: Mapping[str, Any]
) -> dict[str, Any]:
    found = final.get(_key(cell))
    if found is None:
        return {**cell, "final": None, "behind": None}
    return {**cell, "final": found["mean"], "behind": best["mean"] - found["mean"]}


def _key(cell: Mapping[str, Any]) -> Cell:
    return cell["encoding"], cell["types"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: judge_choice(load(ChoiceConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
