"""Boosted regression trees as plain arrays: grown by LightGBM (LambdaMART; Burges, MSR-TR-2010-82), computed by numpy.

A candidate's score is the sum of one leaf of every tree. LambdaMART orders candidates and says nothing of
probabilities, so scores are multiplied by a scale, chosen on rows that grew no tree, before they go into the softmax.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retort.config import option
from retort.errors import DataError, MissingExtraError
from retort.inference.reranking.evidence import Matrix
from retort.inference.reranking.fitting import Case, Ordering, Vector

LEAF = -1
PARTS = ("feature", "threshold", "left", "right", "value", "roots")
Node = tuple[int, float, int, int, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    trees: int = option(120, help="their number")
    leaves: int = option(7, help="most leaves of one")
    rate: float = option(0.05, help="share of each tree's step that is taken")
    least: int = option(50, help="candidates that a leaf has at least")
    seed: int = option(0, help="of the four fifths of candidates and columns that each tree sees")


@dataclass(frozen=True, slots=True)
class Trees(Ordering):
    """An ensemble.

    Attributes:
        feature: Column that a node looks at, -1 at a leaf; int16 [nodes].
        threshold: A candidate goes left where its value is at most this; float64 [nodes].
        left: Next node on the left; int32 [nodes].
        right: Next node on the right; int32 [nodes].
        value: Of a leaf; float64 [nodes].
        roots: First node of every tree; int32 [trees].
        scale: Factor of the sums before the softmax.
    """

    feature: NDArray[np.int16]
    threshold: Vector
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Vector
    roots: NDArray[np.int32]
    scale: float = 1.0

    def scores(self, values: Matrix) -> Vector:
        """Return the sum over all trees [n] of candidates with columns [n, f]."""
        place = np.repeat(self.roots[:, None], len(values), axis=1)  # [trees, n]
        rows = np.arange(len(values))
        while (inner := self.feature[place] != LEAF).any():
            below = values[rows, self.feature[place]] <= self.threshold[place]
            place = np.where(inner, np.where(below, self.left[place], self.right[place]), place)
        total: Vector = self.value[place].sum(0)
        return total

    def log_probabilities(self, values: Matrix) -> Vector:
        """Return the log-probability [n] of every candidate of one question from its columns [n, f]."""
        logits = self.scale * self.scores(values)
        return logits - float(np.logaddexp.reduce(logits))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what :meth:`of_arrays` needs."""
        return {name: getattr(self, name) for name in PARTS} | {"scale": np.array(self.scale)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Self:
        """Take up stored trees over so many columns.

        Raises:
            ValueError: The arrays do not fit each other.
        """
        feature, threshold, left, right, value, roots = (arrays[name] for name in PARTS)
        found = cls(feature, threshold, left, right, value, roots, float(arrays["scale"]))
        nodes = len(found.feature)
        whole = all(len(getattr(found, name)) == nodes for name in PARTS[:-1])
        places = np.concatenate([found.left, found.right, found.roots])
        if not (whole and nodes and places.min() >= 0 and places.max() < nodes and found.feature.max() < columns):
            raise ValueError("the trees do not fit each other or the columns")
        inner = found.feature != LEAF
        here = np.flatnonzero(inner)
        if not ((found.left[inner] > here) & (found.right[inner] > here)).all():
            raise ValueError("a tree goes back to an earlier node")
        return found

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
    settings = {
        "objective": "lambdarank",
        "num_leaves": growth.leaves,
        "learning_rate": growth.rate,
        "min_data_in_leaf": growth.least,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.8,
        "seed": growth.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    labels = np.concatenate([case.right for case in useful]).astype(int)
    values = np.concatenate([case.values for case in useful])
    rows = lightgbm.Dataset(values, labels, group=[len(case.right) for case in useful])
    booster = lightgbm.train(settings, rows, num_boost_round=growth.trees)
    return _flattened(tree["tree_structure"] for tree in booster.dump_model()["tree_info"])


def _flattened(trees: Iterator[Mapping[str, Any]]) -> Trees:
    nodes: list[Node] = []
    roots = [_add(nodes, tree) for tree in trees]
    feature, threshold, left, right, value = zip(*nodes, strict=True)
    return Trees(
        np.array(feature, np.int16),
        np.array(threshold, float),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(value, float),
        np.array(roots, np.int32),
    )


def _add(nodes: list[Node], tree: Mapping[str, Any]) -> int:
    """Append a node and what is below it; return its place. Parents stand before their children."""
    place = len(nodes)
    if "leaf_value" in tree:
        nodes.append((LEAF, 0.0, 0, 0, float(tree["leaf_value"])))
        return place
    nodes.append((LEAF, 0.0, 0, 0, 0.0))
    left, right = _add(nodes, tree["left_child"]), _add(nodes, tree["right_child"])
    nodes[place] = (int(tree["split_feature"]), float(tree["threshold"]), left, right, 0.0)
    return place
