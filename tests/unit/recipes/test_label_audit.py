"""The audit of published labels sees whether labels of held-out rows were computed from the answer."""

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retort.data.records import TextRow
from retort.errors import DataError
from retort.recipes.label_audit import LabelAuditConfig, audit_labels, audit_task

ANSWERS = ["Br", "Cl", "O=O", "N#N"]
CONFIG = LabelAuditConfig(Path("unused"), types=4, draws=200, published_accuracy={"planted": 0.5})


def rows(held_label: Callable[[int, int], int]) -> list[TextRow]:
    """Return rows whose label is the kind of their answer, hidden from the input; held-out labels as given."""
    random = np.random.default_rng(0)
    found = []
    for number in range(400):
        kind = int(random.integers(4))
        held = number >= 300
        label = held_label(kind, number) if held else kind
        given = "".join(random.choice(list("CNO"), 8))
        answer = ANSWERS[kind] + "".join(random.choice(list("CF"), 6))
        found.append(TextRow(str(number), "test" if held else "train", "planted", given, answer, label=str(label)))
    return found


def test_labels_that_saw_the_answer_do_not_fall() -> None:
    found = audit_task(rows(lambda kind, _: kind), "planted", CONFIG)
    assert (found["train"], found["held_out"], found["types"]) == (300, 100, 4)
    assert found["output"]["cross_validated"]["mean"] > 0.95
    assert found["output"]["held_out"]["interval"][0] > found["expected"]
    assert found["output"]["null"]["p_value"] < 0.01
    assert found["input"]["held_out"]["mean"] < 0.5


def test_labels_that_did_not_see_it_fall_to_chance() -> None:
    found = audit_task(rows(lambda _, number: number % 4), "planted", CONFIG)
    low, high = found["output"]["held_out"]["interval"]
    assert low < found["output"]["null"]["mean"] < high
    assert found["output"]["null"]["p_value"] > 0.01


def test_rows_with_the_same_answer_are_counted() -> None:
    known = [("a", 0)] * 12 + [("a", 1)] * 9 + [("b", 2), ("c", 3)]
    made = [TextRow(str(i), "train", "t", "NNNN", text * 5, label=str(label)) for i, (text, label) in enumerate(known)]
    made += [TextRow("a", "valid", "t", "NN", "aaaaa", label="10"), TextRow("b", "test", "t", "NN", "ddddd", label="1")]
    found = audit_task(made, "t", LabelAuditConfig(Path("unused"), folds=2, draws=10, types=10))
    assert found["same_answer"] == {"train": {"rows": 21, "agree": 12}, "held_out": {"rows": 1, "agree": 1}}
    assert "expected" not in found


def test_a_task_without_held_out_rows_is_refused() -> None:
    with pytest.raises(DataError, match="0 held out"):
        audit_task([row for row in rows(lambda kind, _: kind) if row.split == "train"], "planted", CONFIG)


@pytest.mark.slow
def test_the_published_subset(data_root: Path, tmp_path: Path) -> None:
    path = audit_labels(LabelAuditConfig(tmp_path / "figures.json", draws=200, longest=2))
    tasks = json.loads(path.read_text())["tasks"]
    assert {name: (found["train"], found["held_out"]) for name, found in tasks.items()} == counted(data_root)


def counted(data_root: Path) -> dict[str, tuple[int, int]]:
    """Count distinct numbers of rows, task by task, in train and held-out splits."""
    seen: dict[str, dict[int, str]] = {}
    for path in sorted((data_root / "mol_instructions").glob("*.json.xz")):
        for row in json.loads(lzma.decompress(path.read_bytes())):
            seen.setdefault(row["metadata"]["task"], {})[row["id"]] = row["metadata"]["split"]
    splits = {task: list(rows.values()) for task, rows in seen.items()}
    return {task: (found.count("train"), len(found) - found.count("train")) for task, found in splits.items()}
