"""The table of a comparison of sources of knowledge: figures pooled over seeds, and what each arm gains over none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retort.config import as_dict
from retort.elicitation.knowledge import BOUNDS, Knowledge
from retort.evaluation.pooled import Pooled, Runs, pooled, pooled_difference
from retort.evaluation.predictions import read
from retort.recipes.train_ranker import CUTOFFS

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
        predictions: One file per seed that answers.
        ranks: One file per seed: part -> rank of each row's own template, 0 where it is not in the vocabulary.
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
    answers = {arm.name: Runs.of([read(file) for file in arm.predictions], METRIC) for arm in arms if arm.predictions}
    ranks = {part: {arm.name: _hits(arm.ranks, part) for arm in arms} for part in ("valid_a", "answered")}
    tables = {METRIC: answers, **{f"class_exact, {part}": runs for part, runs in ranks.items()}}
    entries: dict[str, dict[str, Any]] = {}
    for arm in arms:
        about_arm = {
            "knowledge": arm.knowledge,
            "types": arm.types,
            "mixed": arm.mixed,
            "bound": arm.knowledge in BOUNDS,
        }
        figures = {what: _figures(arm.name, runs) for what, runs in tables.items() if arm.name in runs}
        entries[arm.name] = {**about_arm, **figures}
    content = {"label": LABEL, **about, "arms": entries, "config": as_dict(config)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def plain(figure: Pooled) -> dict[str, Any]:
    """Return a figure as JSON holds it."""
    values: dict[str, Any] = {"mean": figure.mean, "interval": list(figure.interval), "by_seed": list(figure.by_run)}
    return values if figure.p is None else {**values, "p": figure.p}


def _figures(name: str, ways: Mapping[str, Runs]) -> dict[str, Any]:
    """Return the figures of one arm and what it gains over the arm ``off``, if there is one."""
    figures: dict[str, Any] = {figure: plain(found) for figure, found in pooled(ways[name]).items()}
    if name != "off" and "off" in ways:
        changes = pooled_difference(ways["off"], ways[name])
        figures["difference_to_off"] = {figure: plain(change) for figure, change in changes.items()}
    return figures


def _hits(files: Sequence[Path], part: str) -> Runs:
    """Return whether the own template of each row of a part is among the first k."""
    ranks = np.array([json.loads(file.read_text("utf-8"))[part] for file in files])
    hits = [(ranks > 0) & (ranks <= k) for k in CUTOFFS]
    return Runs(tuple(f"class_exact@{k}" for k in CUTOFFS), np.stack(hits, axis=2).astype(np.float64))
