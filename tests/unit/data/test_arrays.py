"""Arrays that grow on disk have the bytes that numpy gives them whole."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retort.data.arrays import GrowingArray, append_row, split_arrays
from retort.errors import DataError


@pytest.mark.parametrize("pieces", [[], [[]], [[1, 2, 3]], [[1], [], list(range(12345))]])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_the_same_bytes_as_numpy(tmp_path: Path, pieces: list[list[int]], dtype: type) -> None:
    array = GrowingArray(tmp_path / "grown.npy", dtype)
    for piece in pieces:
        array.append(np.asarray(piece).astype(dtype))
    array.close()
    whole = np.concatenate([np.zeros(0, dtype), *(np.asarray(piece).astype(dtype) for piece in pieces)])
    np.save(tmp_path / "whole.npy", whole)
    assert array.length == len(whole)
    assert (tmp_path / "grown.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_offsets_go_on_from_row_to_row(tmp_path: Path) -> None:
    rows = [(1, [[5, 1], [6, 7, 1], [8, 1], [1]]), (0, [[9, 1], [1], [1], [4, 4, 4, 1]])]
    with split_arrays(tmp_path, "train", copies=2) as arrays:
        for source, (task, sequences) in enumerate(rows):
            append_row(arrays, (task, [np.asarray(s, np.uint16) for s in sequences]), source)
    tokens, offsets, tasks, sources = (
        np.load(tmp_path / f"train.{name}.npy") for name in ("tokens", "offsets", "tasks", "sources")
    )
    assert [tokens[a:b].tolist() for a, b in pairwise(offsets)] == [*rows[0][1], *rows[1][1]]
    assert (tasks.tolist(), sources.tolist()) == ([1, 0], [0, 1])


def test_a_row_with_too_few_copies_is_refused(tmp_path: Path) -> None:
    with split_arrays(tmp_path, "train", copies=2) as arrays, pytest.raises(DataError, match="2 sequences"):
        append_row(arrays, (0, [np.ones(1, np.uint16)] * 2), 0)
