"""What the card of a training stage says: which tasks its chain learned, what it was shown, how long its rows were."""

from pathlib import Path
from typing import Any

import pytest

from retort.errors import ModelError
from retort.inference.model_folder import ModelFolder
from retort.inference.stage_folder import learned_tasks, limit_of, mode_of, stage_in
from retort.models.checkpoint import write_card


def card(stage: str, **changes: object) -> dict[str, Any]:
    """Return the card of a stage of a chain that branches: c starts from a, not from b."""
    stages = [
        {"name": "a", "mixture": {"smiles_text": 1.0, "forward_prediction": 1.0}, "start": ""},
        {"name": "b", "mixture": {"reagent_prediction": 1.0}, "start": ""},
        {"name": "c", "mixture": {"retrosynthesis": 1.0}, "start": "a"},
        {"name": "d", "mixture": {"graph_to_smiles": 1.0}, "start": ""},
    ]
    own = next(({"name": found["name"]} for found in stages if found["name"] == stage), None)
    return {"config": {"stages": stages, "training": {"limit": 384}, "rows": None}, "stage": own, **changes}


@pytest.mark.parametrize(
    ("stage", "tasks"),
    [
        ("start", []),
        ("a", ["forward_prediction"]),
        ("b", ["forward_prediction", "reagent_prediction"]),
        ("c", ["forward_prediction", "retrosynthesis"]),
        ("d", ["forward_prediction", "retrosynthesis"]),
    ],
)
def test_a_stage_knows_the_tasks_on_its_way(stage: str, tasks: list[str]) -> None:
    assert learned_tasks(card(stage), "x") == tasks


def test_what_it_was_shown_is_told_by_the_card_or_its_configuration() -> None:
    assert mode_of(card("a", mode="both"), "x") == "both"
    assert mode_of({"config": {"rows": {"mode": "graph"}}}, "x") == "graph"
    assert limit_of(card("a"), "x") == 384


def test_a_card_that_says_nothing_is_refused() -> None:
    for ask, found in ((mode_of, card("a")), (mode_of, card("a", mode="smell")), (limit_of, {}), (learned_tasks, {})):
        with pytest.raises(ModelError, match="'x' does not say"):
            ask(found, "x")


def test_only_stages_and_chains_are_taken_for_stages(tmp_path: Path) -> None:
    assert stage_in(tmp_path) is None
    (tmp_path / "checkpoint").mkdir()
    write_card(tmp_path / "checkpoint", {"kind": "seq2seq"}, [])
    (tmp_path / "chain" / "last").mkdir(parents=True)
    write_card(tmp_path / "chain" / "last", {"kind": "multimodal", **card("a", mode="graph")}, [])
    (tmp_path / "chain" / "stages.json").write_text('{"first": {}, "last": {}}')
    assert stage_in(tmp_path / "checkpoint") is None
    assert stage_in(tmp_path / "chain") == stage_in(tmp_path / "chain" / "last") == tmp_path / "chain" / "last"
    with pytest.raises(ModelError, match=r"no model\.json"):
        ModelFolder.open(str(tmp_path / "checkpoint"))
    with pytest.raises(ModelError, match="foreign tokenizer"):
        ModelFolder.open(str(tmp_path / "chain"))
    (tmp_path / "chain" / "stages.json").write_text("{}")
    assert stage_in(tmp_path / "chain") is None
