"""Which train rows types are elicited from: canonical, without class, drawn once, duplicates known."""

from dataclasses import replace

import numpy as np
import pytest

from retort.data.collate import PreparedSplit
from retort.errors import DataError, UnknownNameError
from retort.recipes.elicitation_rows import Choice, canonical_pairs, drawn_rows, groups_of

CHOICE = Choice("retrosynthesis", (), 100, 40, 0)


def split(rows: int = 30, copies: int = 3) -> PreparedSplit:
    """Make rows whose token ids are their own number; copy k of source and target is k + 1 tokens long."""
    sequences = [np.full(copy + 1, row + 2) for row in range(rows) for copy in range(copies) for _ in (0, 1)]
    offsets = np.cumsum([0, *map(len, sequences)]).astype(np.int64)
    tasks, sources = (np.arange(rows) % 2).astype(np.uint8), (np.arange(rows) % 3).astype(np.uint8)
    names = ("forward_prediction", "retrosynthesis"), ("a", "b", "c")
    tokens = np.concatenate(sequences).astype(np.uint16)
    return PreparedSplit(tokens, offsets, tasks, names[0], copies, sources, names[1])


def test_rows_are_of_the_task_and_sources_and_in_a_drawn_order() -> None:
    rows = drawn_rows(split(), CHOICE)
    assert sorted(rows.tolist()) == list(range(1, 30, 2))
    assert rows.tolist() != sorted(rows.tolist())
    assert drawn_rows(split(), replace(CHOICE, limit=4)).tolist() == rows[:4].tolist()
    assert drawn_rows(split(), replace(CHOICE, seed=1)).tolist() != rows.tolist()
    assert sorted(drawn_rows(split(), replace(CHOICE, sources=("a", "c"))).tolist()) == [
        3,
        5,
        9,
        11,
        15,
        17,
        21,
        23,
        27,
        29,
    ]


def test_the_first_copy_of_every_row_is_read() -> None:
    pairs = canonical_pairs(split(), np.array([0, 1, 2, 29]))
    assert [(source.tolist(), target.tolist()) for source, target in pairs] == [([n], [n]) for n in (2, 3, 4, 31)]  # type: ignore[union-attr]


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="task"):
        drawn_rows(split(), replace(CHOICE, task="retro"))
    with pytest.raises(UnknownNameError, match="source"):
        drawn_rows(split(), replace(CHOICE, sources=("d",)))
    with pytest.raises(DataError, match="within 1 tokens"):
        drawn_rows(split(), replace(CHOICE, longest=1))


def test_rows_with_the_same_input_are_a_group() -> None:
    assert groups_of([[1, 2], [3], [1, 2], [3, 1], [3]]).tolist() == [0, 1, 0, 2, 1]
