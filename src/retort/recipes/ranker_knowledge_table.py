"""The table of a comparison of sources of knowledge: figures pooled over seeds, and what each arm gains over none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retort.config import as_dict
from retort.elicitation.knowledge import BOUNDS, Knowledge
from retort.evaluation.metric import METRICS, Metric
from retort.evaluation.predictions import read
from retort.evaluation.seeds import Values, differences, figures
from retort.recipes.train_ranker import CUTOFFS

PARTS = ("valid_a", "answered")
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
    exact = METRICS.get("exact_match")
    answers = {arm.name: _worth(arm.predictions, exact) for arm in arms if arm.predictions}
    tables = {exact.name: answers}
    tables |= {f"class_exact, {part}": {arm.name: _hits(arm.ranks, part) for arm in arms} for part in PARTS}
    entries: dict[str, dict[str, Any]] = {}
    for arm in arms:
        about_arm = {
            "knowledge": arm.knowledge,
            "types": arm.types,
            "mixed": arm.mixed,
            "bound": arm.knowledge in BOUNDS,
        }
        found = {what: _figures(arm.name, what, worth) for what, worth in tables.items() if arm.name in worth}
        entries[arm.name] = {**about_arm, **found}
    content = {"label": LABEL, **about, "arms": entries, "config": as_dict(config)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _figures(arm: str, what: str, worth: Mapping[str, Values]) -> dict[str, Any]:
    """Return the figures of one arm and what it gains over the arm ``off``, if there is one."""
    names = [f"{what.partition(',')[0]}@{k}" for k in CUTOFFS]
    found: dict[str, Any] = {name: figure.as_dict() for name, figure in figures(names, worth[arm]).items()}
    if arm != "off" and "off" in worth:
        changes = differences(names, worth["off"], worth[arm])
        found["difference_to_off"] = {name: change.as_dict() for name, change in changes.items()}
    return found


def _worth(files: Sequence[Path], metric: Metric) -> Values:
    """Return what the rows of each file are worth, [seeds, rows, cut-offs]."""
    return np.array([[[metric.per_row(row, k) for k in CUTOFFS] for row in read(file).rows] for file in files])


def _hits(files: Sequence[Path], part: str) -> Values:
    """Return whether the own template of each row of a part is among the first k, [seeds, rows, cut-offs]."""
    ranks = np.array([json.loads(file.read_text("utf-8"))[part] for file in files])
    return np.stack([(ranks > 0) & (ranks <= k) for k in CUTOFFS], axis=2).astype(np.float64)
