"""The table of a comparison of sources of knowledge: figures pooled over seeds, and what each arm gains over none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort.config import as_dict
from retort.elicitation.knowledge import BOUNDS, Knowledge
from retort.evaluation.pooled import Pooled, Runs, pooled, pooled_difference
from retort.evaluation.predictions import read

METRIC = "exact_match"
LABEL = "pattern comparison with another learner: a template ranker, not the published language model"


@dataclass(frozen=True)
class Answered:
    """The files of one arm.

    Attributes:
        name: Of the arm.
        knowledge: Its source of knowledge.
        types: The number of its types; 0 where it has no elicited ones.
        mixed: Whether types are mixed behind the network.
        predictions: One file per seed.
        ranks: One file per seed: part -> k -> share of rows whose own template is among the first k.
    """

    name: str
    knowledge: Knowledge
    types: int
    mixed: bool
    predictions: Sequence[Path]
    ranks: Sequence[Path]


def write_table(path: Path, arms: Sequence[Answered], about: Mapping[str, Any], config: Any) -> Path:
    """Score all arms, compare each with the arm ``off`` if there is one, and write the table.

    Args:
        path: JSON file.
        arms: The arms, all of the same rows.
        about: What else the table says.
        config: The configuration of the comparison.

    Raises:
        DataError: A file of predictions is damaged.
    """
    runs = {arm.name: Runs.of([read(file) for file in arm.predictions], METRIC) for arm in arms}
    entries = {arm.name: _entry(arm, runs[arm.name], runs.get("off")) for arm in arms}
    rows = next(iter(runs.values())).values.shape[1]
    content = {"label": LABEL, "n": rows, **about, "arms": entries, "config": as_dict(config)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def plain(figure: Pooled) -> dict[str, Any]:
    """Return a figure as JSON holds it."""
    values: dict[str, Any] = {"mean": figure.mean, "interval": list(figure.interval), "by_seed": list(figure.by_run)}
    return values if figure.p is None else {**values, "p": figure.p}


def _entry(arm: Answered, runs: Runs, off: Runs | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"knowledge": arm.knowledge, "types": arm.types, "mixed": arm.mixed}
    entry["bound"] = arm.knowledge in BOUNDS
    entry["figures"] = {name: plain(figure) for name, figure in pooled(runs).items()}
    if off is not None and arm.name != "off":
        entry["difference_to_off"] = {name: plain(change) for name, change in pooled_difference(off, runs).items()}
    entry["class_exact@k"] = _ranks(arm.ranks)
    return entry


def _ranks(files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return part -> k -> mean over seeds."""
    tables = [json.loads(file.read_text("utf-8")) for file in files]
    return {
        part: {k: sum(table[part][k] for table in tables) / len(tables) for k in shares}
        for part, shares in tables[0].items()
    }
