"""What vectors and labels must be before anything is computed from them, and the errors that say what is wrong.

Nothing here knows where the vectors come from.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retort.errors import DataError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]


class VectorError(DataError):
    """Vectors from which no types can be elicited."""


class NonFiniteError(VectorError):
    """A vector holds a number that is infinite or not a number."""


class TooFewRowsError(VectorError):
    """There are fewer rows than types or folds."""


class IdenticalRowsError(VectorError):
    """There are fewer distinct rows than types."""


class EmptyTypeError(VectorError):
    """A type has no row."""


class LabelError(DataError):
    """A label is not a type id, or labels do not fit the rows."""


def matrix(values: ArrayLike, what: str = "the vectors") -> Floats:
    """Return values as a finite float32 matrix [n, d].

    Raises:
        VectorError: They are not a matrix with rows and columns.
        NonFiniteError: A value is infinite or not a number; the first such row is named.
    """
    array = np.ascontiguousarray(values, np.float32)
    if array.ndim != 2 or 0 in array.shape:
        raise VectorError(f"{what} have the shape {list(array.shape)}, not [rows, size].", "Give one vector a row.")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise NonFiniteError(
            f"{what} hold a number that is not finite in {int(bad.sum())} of {len(array)} rows, first in row "
            f"{int(bad.argmax())}.",
            "Check the weights of the encoder; compute in fp32.",
        )
    return array


def type_ids(values: ArrayLike, types: int, rows: int | None = None) -> Labels:
    """Return labels as int64 [n] after checking that each is in ``0..types-1``.

    Raises:
        LabelError: A label is out of range or not whole, or there are not ``rows`` of them.
    """
    given = np.asarray(values)
    labels = given.astype(np.int64) if given.size else given.astype(np.int64).reshape(-1)
    if labels.ndim != 1 or (rows is not None and len(labels) != rows):
        raise LabelError(f"labels have the shape {list(labels.shape)}, not [{'rows' if rows is None else rows}].")
    wrong = (labels != given) | (labels < 0) | (labels >= types)
    if wrong.any():
        place = int(wrong.argmax())
        raise LabelError(f"label {given[place]} of row {place} is not a type in 0..{types - 1}.")
    return labels
