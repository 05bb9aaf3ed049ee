"""Grow boosted trees that tell classes apart, with LightGBM."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, MissingExtraError
from retort.models.boosted import BoostedClasses, ModelMeta
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
    try:
        import lightgbm
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingExtraError("boosted trees", "train") from error
    settings = growth.settings("multiclass", num_class=len(classes), max_bin=BINS, force_row_wise=False)
    settings["force_col_wise"] = True  # columns are many and sparse, and each tree sees a share of them
    rows = csr_matrix((x.values, x.indices, x.indptr), shape=(len(x), x.width))
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, y, params=settings), num_boost_round=growth.trees)
    arrays = flattened(dumped(booster))
    used = np.unique(arrays["feature"][arrays["feature"] >= 0])
    place = np.full(x.width + 1, -1)  # the last entry is that of leaves
    place[used] = np.arange(len(used))
    arrays["feature"] = place[arrays["feature"]].astype(np.int16)
    arrays["threshold"] = np.floor(arrays["threshold"])  # counts are whole numbers
    return BoostedClasses(meta, tuple(classes), used.astype(np.int32), Forest(**arrays))
