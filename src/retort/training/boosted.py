"""Grow boosted trees that tell classes apart or say a number, with LightGBM."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, MissingExtraError
from retort.models.boosted import BoostedClasses, BoostedValues, ModelMeta
from retort.models.ranker import SparseRows
from retort.models.trees import Forest, Growth, dumped, flattened

BINS = 15  # different counts of one environment that are told apart


def grow_classes(
    x: SparseRows, y: NDArray[np.int64], classes: Sequence[str], growth: Growth, meta: ModelMeta
) -> BoostedClasses:
    """Grow trees for every class.

    Args:
        x: Counts of fingerprints; whole numbers.
        y: Classes [rows].
        classes: Text of each class.
        growth: How.
        meta: What is written of the model.

    Raises:
        DataError: There are fewer than two classes, or one has no row.
        MissingExtraError: LightGBM is not installed.
    """
    if len(classes) < 2 or len(np.unique(y)) < len(classes):
        raise DataError(f"{len(np.unique(y))} of {len(classes)} classes have train rows.", "Each needs some.")
    columns, forest = _grown(x, y, growth, "multiclass", num_class=len(classes))
    return BoostedClasses(meta, tuple(classes), columns, forest)


def grow_values(x: SparseRows, y: NDArray[np.float64], growth: Growth, meta: ModelMeta) -> BoostedValues:
    """Grow trees for numbers, by least squares.

    Args:
        x: Counts of fingerprints; whole numbers.
        y: Numbers [rows].
        growth: How.
        meta: What is written of the model.

    Raises:
        DataError: All numbers are the same.
        MissingExtraError: LightGBM is not installed.
    """
    if len(np.unique(y)) < 2:
        raise DataError("all numbers of the train rows are the same.", "There is nothing to learn.")
    return BoostedValues(meta, *_grown(x, y, growth, "regression"))


def _grown(
    x: SparseRows, y: NDArray[Any], growth: Growth, objective: str, **more: Any
) -> tuple[NDArray[np.int32], Forest]:
    """Return the columns that the trees look at, int32 [f], and the trees over them."""
    try:
        import lightgbm
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingExtraError("boosted trees", "train") from error
    settings = growth.settings(objective, max_bin=BINS, force_row_wise=False, **more)
    settings["force_col_wise"] = True  # columns are many and sparse, and each tree sees a share of them
    rows = csr_matrix((x.values, x.indices, x.indptr), shape=(len(x), x.width))
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, y, params=settings), num_boost_round=growth.trees)
    arrays = flattened(dumped(booster))
    used = np.unique(arrays["feature"][arrays["feature"] >= 0])
    place = np.full(x.width + 1, -1)  # the last entry is that of leaves
    place[used] = np.arange(len(used))
    arrays["feature"] = place[arrays["feature"]].astype(np.int16)
    arrays["threshold"] = np.floor(arrays["threshold"])  # counts are whole numbers
    return used.astype(np.int32), Forest(**arrays)
