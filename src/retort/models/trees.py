"""Boosted regression trees as plain arrays: grown elsewhere by LightGBM, computed by numpy.

What an ensemble says of a row is the sum of one leaf of every tree. Files hold the arrays; nothing but numpy is needed
to answer with them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retort.config import option

LEAF = -1
PARTS = ("feature", "threshold", "left", "right", "value", "roots")
Node = tuple[int, float, int, int, float]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    trees: int = option(120, help="their number; of several classes, for each")
    leaves: int = option(7, help="most leaves of one")
    rate: float = option(0.05, help="share of each tree's step that is taken")
    least: int = option(50, help="rows that a leaf has at least")
    rows: float = option(0.8, help="share of rows that each tree sees")
    columns: float = option(0.8, help="share of columns that each tree sees")
    seed: int = option(0, help="of the shares of rows and columns")

    def settings(self, objective: str, **more: Any) -> dict[str, Any]:
        """Return what LightGBM is told; the same settings give the same trees on one machine."""
        return {
            "objective": objective,
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.least,
            "bagging_fraction": self.rows,
            "bagging_freq": 1,
            "feature_fraction": self.columns,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
            **more,
        }


@dataclass(frozen=True, slots=True)
class Forest:
    """An ensemble; nodes of all trees stand one after another, parents before their children.

    Attributes:
        feature: Column that a node looks at, -1 at a leaf; int16 [nodes].
        threshold: A row goes left where its value is at most this; float64 [nodes].
        left: Next node on the left; int32 [nodes].
        right: Next node on the right; int32 [nodes].
        value: Of a leaf; float64 [nodes].
        roots: First node of every tree; int32 [trees].
    """

    feature: NDArray[np.int16]
    threshold: Values
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Values
    roots: NDArray[np.int32]

    def leaves(self, values: NDArray[Any]) -> Values:
        """Return what every tree says [trees, n] of rows with columns [n, f]."""
        place = np.repeat(self.roots[:, None], len(values), axis=1)  # [trees, n]
        rows = np.arange(len(values))
        while (inner := self.feature[place] != LEAF).any():
            below = values[rows, self.feature[place]] <= self.threshold[place]
            place = np.where(inner, np.where(below, self.left[place], self.right[place]), place)
        found: Values = self.value[place]
        return found

    def scores(self, values: NDArray[Any]) -> Values:
        """Return the sum over all trees [n] of rows with columns [n, f]."""
        total: Values = self.leaves(values).sum(0)
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what :meth:`of_arrays` needs."""
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Self:
        """Take up stored trees over so many columns.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not fit each other.
        """
        found = cls(*(arrays[name] for name in PARTS))
        found.check(columns)
        return found

    def check(self, columns: int) -> None:
        """Raise ValueError where the arrays do not fit each other or so many columns."""
        nodes = len(self.feature)
        whole = all(len(getattr(self, name)) == nodes for name in PARTS[:-1])
        places = np.concatenate([self.left, self.right, self.roots])
        if not (whole and nodes and places.min() >= 0 and places.max() < nodes and self.feature.max() < columns):
            raise ValueError("the trees do not fit each other or the columns")
        inner = self.feature != LEAF
        here = np.flatnonzero(inner)
        if not ((self.left[inner] > here) & (self.right[inner] > here)).all():
            raise ValueError("a tree goes back to an earlier node")


def flattened(trees: Iterable[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a :class:`Forest` from what :func:`dumped` gives."""
    nodes: list[Node] = []
    roots = [_add(nodes, tree) for tree in trees]
    feature, threshold, left, right, value = zip(*nodes, strict=True)
    return {
        "feature": np.array(feature, np.int16),
        "threshold": np.array(threshold, float),
        "left": np.array(left, np.int32),
        "right": np.array(right, np.int32),
        "value": np.array(value, float),
        "roots": np.array(roots, np.int32),
    }


def dumped(booster: Any) -> list[Mapping[str, Any]]:
    """Return the trees of a LightGBM booster; those of several classes take turns."""
    return [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]


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
