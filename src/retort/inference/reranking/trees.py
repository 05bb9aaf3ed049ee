"""Boosted trees that order candidates (LambdaMART; Burges, MSR-TR-2010-82).

LambdaMART orders candidates and says nothing of probabilities, so scores are multiplied by a scale, chosen on rows that
grew no tree, before they go into the softmax.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError, MissingExtraError
from retort.inference.reranking.evidence import Matrix
from retort.inference.reranking.fitting import Case, Ordering, Vector
from retort.models.trees import Forest, Growth, dumped, flattened


@dataclass(frozen=True, slots=True)
class Trees(Ordering):
    """An ensemble whose rows are the candidates of a question.

    Attributes:
        forest: The trees.
        scale: Factor of the sums before the softmax.
    """

    forest: Forest
    scale: float = 1.0

    def log_probabilities(self, values: Matrix) -> Vector:
        """Return the log-probability [n] of every candidate of one question from its columns [n, f]."""
        logits = self.scale * self.forest.scores(values)
        return logits - float(np.logaddexp.reduce(logits))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what :meth:`of_arrays` needs."""
        return self.forest.arrays() | {"scale": np.array(self.scale)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Self:
        """Take up stored trees over so many columns; raises as :meth:`Forest.of_arrays`."""
        return cls(Forest.of_arrays(arrays, columns), float(arrays["scale"]))

    def scaled(self, scale: float) -> "Trees":
        """Return the same trees with another factor."""
        return replace(self, scale=scale)


def grow(cases: Sequence[Case], growth: Growth) -> Trees:
    """Grow trees on the questions that have their answer among the candidates.

    Raises:
        DataError: There is no such question.
        MissingExtraError: LightGBM is not installed.
    """
    useful = [case for case in cases if case.right.any()]
    if not useful:
        raise DataError("no question has its answer among the candidates.", "Check the proposers and the rows.")
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError("boosted trees", "train") from error
    labels = np.concatenate([case.right for case in useful]).astype(int)
    values = np.concatenate([case.values for case in useful])
    rows = lightgbm.Dataset(values, labels, group=[len(case.right) for case in useful])
    booster = lightgbm.train(growth.settings("lambdarank"), rows, num_boost_round=growth.trees)
    return Trees(Forest(**flattened(dumped(booster))))
