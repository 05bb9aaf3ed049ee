"""Vectors and labels are refused with the row that is wrong, and with what to do."""

import numpy as np
import pytest

from retort.elicitation.checks import LabelError, NonFiniteError, VectorError, matrix, type_ids


@pytest.mark.parametrize("shape", [(3,), (0, 4), (4, 0), (2, 2, 2)])
def test_only_a_matrix_is_a_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(VectorError, match="Give one vector a row"):
        matrix(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(value: float) -> None:
    vectors = np.zeros((5, 2))
    vectors[3, 1] = vectors[4, 0] = value
    with pytest.raises(NonFiniteError, match="in 2 of 5 rows, first in row 3"):
        matrix(vectors, "the input vectors")


def test_a_matrix_is_float32_in_one_piece() -> None:
    given = matrix(np.arange(6.0).reshape(2, 3).T)
    assert given.dtype == np.float32
    assert given.flags.c_contiguous


@pytest.mark.parametrize(("labels", "row"), [([0, 1, 3], 2), ([0, -1, 2], 1), ([0.5, 1.0, 2.0], 0)])
def test_a_label_that_is_no_type_is_named(labels: list[float], row: int) -> None:
    with pytest.raises(LabelError, match=rf"row {row} is not a type in 0\.\.2"):
        type_ids(labels, 3)


def test_there_is_one_label_per_row() -> None:
    with pytest.raises(LabelError, match=r"shape \[2\], not \[3\]"):
        type_ids([0, 1], 2, rows=3)
    with pytest.raises(LabelError):
        type_ids([[0, 1]], 2)
    assert type_ids([], 3).tolist() == []
