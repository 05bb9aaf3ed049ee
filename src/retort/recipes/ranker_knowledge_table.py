"""The table of a comparison of sources of knowledge: figures pooled over seeds, and what each arm gains over none.

Arms are entries of a file of figures (:mod:`retort.recipes.benchmark_results`). ``own_template`` of an entry says how
often the template that made a row is among the first k, in each part.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retort.evaluation.metric import METRICS
from retort.evaluation.predictions import read
from retort.evaluation.seeds import Values, differences, figures
from retort.recipes.benchmark_results import Entry, commit, write_results
from retort.recipes.ranker_arms import Arm
from retort.recipes.train_ranker import CUTOFFS

PARTS = ("valid_a", "answered")
NONE = Arm("off")


@dataclass(frozen=True)
class Answered:
    """The files of one arm.

    Attributes:
        arm: The arm.
        encoding: What its types are clusters of; empty where it has no elicited ones.
        predictions: One file per seed that answers.
        ranks: One file per seed: part -> rank of each row's own template, 0 where it is not in the vocabulary.
    """

    arm: Arm
    encoding: str
    predictions: Sequence[Path]
    ranks: Sequence[Path]


def write_table(path: Path, arms: Sequence[Answered], budget: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    """Score all arms, compare each with the arm that is told nothing if there is one, and write the table.

    Args:
        path: JSON file.
        arms: The arms, all of the same rows.
        budget: What all entries share: train rows, answered rows, seeds.
        about: What else the table says.

    Raises:
        DataError: A file of predictions is damaged.
        OutputError: The disk is full or may not be written.
    """
    answers = {arm.arm: _worth(arm.predictions) for arm in arms if arm.predictions}
    ranks = {part: {arm.arm: _hits(arm.ranks, part) for arm in arms} for part in PARTS}
    entries = {}
    for each in arms:
        told = {
            "knowledge": each.arm.knowledge,
            "mixed": each.arm.mixed,
            "encoding": each.encoding,
            "types": each.arm.types,
        }
        own = {part: _own(each.arm, worth) for part, worth in ranks.items()}
        entries[each.arm.name] = {
            **_answers(each.arm, answers),
            **told,
            **budget,
            "commit": commit(),
            "own_template": own,
        }
    write_results(path, entries, about)
    return path


def _answers(arm: Arm, worth: Mapping[Arm, Values]) -> Entry:
    """Return the part of an entry that tells what its answers are worth."""
    if arm not in worth:
        return {"status": "not run", "reason": "ranked, but not answered", "ways": {}, "compared": []}
    names = [f"exact_match@{k}" for k in CUTOFFS]
    found = {name: figure.as_dict() for name, figure in figures(names, worth[arm]).items()}
    compared = []
    if arm != NONE and NONE in worth:
        changes = differences(names, worth[NONE], worth[arm])
        than = {"arm": NONE.name, "way": NONE.way}
        compared.append({"way": arm.way, "than": than} | {name: change.as_dict() for name, change in changes.items()})
    return {"status": "scored", "reason": "", "ways": {arm.way: found}, "compared": compared}


def _own(arm: Arm, worth: Mapping[Arm, Values]) -> dict[str, Any]:
    names = [f"among first {k}" for k in CUTOFFS]
    found: dict[str, Any] = {name: figure.as_dict() for name, figure in figures(names, worth[arm]).items()}
    if arm != NONE and NONE in worth:
        changes = differences(names, worth[NONE], worth[arm])
        found["difference_to_off"] = {name: change.as_dict() for name, change in changes.items()}
    return found


def _worth(files: Sequence[Path]) -> Values:
    """Return what the rows of each file are worth, [seeds, rows, cut-offs]."""
    exact = METRICS.get("exact_match")
    return np.array([[[exact.per_row(row, k) for k in CUTOFFS] for row in read(file).rows] for file in files])


def _hits(files: Sequence[Path], part: str) -> Values:
    """Return whether the own template of each row of a part is among the first k, [seeds, rows, cut-offs]."""
    ranks = np.array([json.loads(file.read_text("utf-8"))[part] for file in files])
    return np.stack([(ranks > 0) & (ranks <= k) for k in CUTOFFS], axis=2).astype(np.float64)
