"""Rules are judged by final models: agreement of ranks, and how far behind the best cell each rule's is."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.errors import DataError
from retort.recipes.choice_judged import ChoiceConfig, judge_choice

CELLS = {("output", 3): (0.1, 0.9, 0.40), ("output", 6): (0.2, 0.8, 0.42), ("difference", 3): (0.3, 0.7, 0.45)}


def entry(
    encoding: str, types: int, final: float, *, mixed: bool = False, knowledge: str = "predicted"
) -> dict[str, Any]:
    own = {"valid_a": {"among first 1": {"mean": final, "interval": [0, 1]}}}
    return {"knowledge": knowledge, "mixed": mixed, "encoding": encoding, "types": types, "own_template": own}


@pytest.fixture
def config(tmp_path: Path) -> ChoiceConfig:
    cells = [
        {"encoding": e, "types": n, "criterion": c, "standard_error": 0.01, "accuracy": a}
        for (e, n), (c, a, _) in {**CELLS, ("input", 3): (0.0, 1.0, 0)}.items()
    ]
    rules = {
        "search": {"encoding": "difference", "types": 3},
        "accuracy": {"encoding": "output", "types": 3},
        "accuracy_per_encoding": {"output": {"encoding": "output", "types": 3}},
        "fixed": None,
    }
    task = {"cells": cells, "rules": rules, "search": {"share": 0.2}}
    settings = {"prepared": "p", "output": "o", "types": [3, 6]}
    (tmp_path / "cells.json").write_text(json.dumps({"config": settings, "tasks": {"retrosynthesis": task}}))
    arms = {f"{e}-{n}": entry(e, n, final) for (e, n), (_, _, final) in CELLS.items()}
    arms |= {"mixed": entry("output", 3, 0.9, mixed=True), "off": entry("", 0, 0.1, knowledge="off")}
    (tmp_path / "models.json").write_text(json.dumps({"arms": arms}))
    return ChoiceConfig(tmp_path, (tmp_path / "models.json",), tmp_path / "table.json")


def test_agreement_and_distance_from_the_best(config: ChoiceConfig) -> None:
    found = json.loads(judge_choice(config).read_text())
    assert [row["final"]["mean"] for row in found["cells"]] == [0.45, 0.42, 0.40]
    assert found["agreement"]["criterion"]["kendall"] == 1
    assert found["agreement"]["accuracy"]["kendall"] == found["agreement"]["accuracy"]["spearman"] == -1
    assert found["rules"]["search"] == {"encoding": "difference", "types": 3, "final": 0.45, "behind": 0}
    assert found["rules"]["accuracy"]["behind"] == pytest.approx(0.05)
    assert set(found["rules"]) == {"search", "accuracy"}
    assert found["without_a_model"] == [["input", 3]]
    assert found["search_share"] == 0.2


def test_a_model_of_an_unmeasured_cell_is_refused(config: ChoiceConfig) -> None:
    arms = json.loads(config.models[0].read_text())["arms"]
    config.models[0].write_text(json.dumps({"arms": {**arms, "more": entry("concat_text", 12, 0.5)}}))
    with pytest.raises(DataError, match="3 cells have both a criterion and a final model; 4 have a model"):
        judge_choice(config)
