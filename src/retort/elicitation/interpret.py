"""What types mean: which labels of their rows stand out, how pure they are, their typical rows, and what to call them.

Nothing here knows chemistry. Rows come with labels of any kind (templates, curated classes, groups made and broken); a
type is described by those that are more frequent in it than among all rows. A name is a label that most of its rows
share, with the share behind it; where none stands out, there is none.

Legend: ``n`` rows, ``d`` vector size, ``k`` types.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from retort.elicitation.checks import LabelError, Labels, matrix, type_ids

_LEAST_ROWS = 5  # a label of fewer rows of a type is an anecdote
_LEAST_LIFT = 1.25
_LEAST_SHARE, _NAMING_LIFT = 0.3, 1.5  # of a type's rows, and against all rows, for a name


@dataclass(frozen=True, slots=True)
class Enrichment:
    """A label that is more frequent in a type than elsewhere.

    Attributes:
        label: What it says.
        rows: Rows of the type that carry it.
        share: The same as a share of the type's rows, 0..1.
        interval: Its 95 % interval (Wilson, J. Am. Stat. Assoc. 1927, 22, 209).
        overall: Share among all rows, 0..1.
    """

    label: str
    rows: int
    share: float
    interval: tuple[float, float]
    overall: float

    @property
    def lift(self) -> float:
        """How many times more frequent than among all rows."""
        return self.share / self.overall

    @property
    def weight(self) -> float:
        """Nats per row of the type by which the label tells it from all rows: a term of their divergence."""
        return self.share * math.log(self.lift)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {name: getattr(self, name) for name in ("label", "rows", "share", "overall", "lift")} | {
            "interval": list(self.interval)
        }


@dataclass(frozen=True)
class Profile:
    """What one type is like.

    Attributes:
        type_id: 0..k-1.
        rows: How many rows it has.
        enriched: Kind of label -> what stands out, most telling first.
        name: What it may be called; empty where nothing stands out.
    """

    type_id: int
    rows: int
    enriched: Mapping[str, tuple[Enrichment, ...]]
    name: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        found = {kind: [e.as_dict() for e in values] for kind, values in self.enriched.items()}
        return {"type": self.type_id, "rows": self.rows, "name": self.name, "enriched": found}


def profiles(
    labels: ArrayLike, types: int, marks: Mapping[str, Sequence[Collection[str]]], *, top: int = 5
) -> list[Profile]:
    """Describe every type.

    Args:
        labels: The type of each row [n].
        types: Number of types.
        marks: Kind -> the labels of each row, none or several. A name is sought among kinds in this order.
        top: Most labels of each kind that are told.

    Raises:
        LabelError: A type is out of range, or a kind does not have labels for each row.
    """
    given = type_ids(labels, types)
    for kind, rows in marks.items():
        if len(rows) != len(given):
            raise LabelError(f"{len(rows)} rows have labels of the kind {kind!r}, {len(given)} have a type.")
    told = {kind: enriched(given, types, rows, top=top) for kind, rows in marks.items()}
    counts = np.bincount(given, minlength=types).tolist()
    found = []
    for type_id in range(types):
        own = {kind: tuple(by_type[type_id]) for kind, by_type in told.items()}
        found.append(Profile(type_id, counts[type_id], own, name_of(own)))
    return found


def enriched(labels: Labels, types: int, marks: Sequence[Collection[str]], *, top: int = 5) -> list[list[Enrichment]]:
    """Return, for each type, the labels that tell it from all rows, most telling first.

    Rows without any label of the kind count as rows that lack it.
    """
    overall = Counter(mark for row in marks for mark in set(row))
    inside: list[Counter[str]] = [Counter() for _ in range(types)]
    for type_id, row in zip(labels.tolist(), marks, strict=True):
        inside[type_id].update(set(row))
    sizes = np.bincount(labels, minlength=types).tolist()
    return [_standing_out(inside[type_id], sizes[type_id], overall, len(labels), top) for type_id in range(types)]


def _standing_out(inside: Counter[str], size: int, overall: Counter[str], rows: int, top: int) -> list[Enrichment]:
    found = [
        Enrichment(label, count, count / size, wilson(count, size), overall[label] / rows)
        for label, count in inside.items()
        if count >= _LEAST_ROWS
    ]
    kept = [e for e in found if e.lift >= _LEAST_LIFT]
    return sorted(kept, key=lambda e: (-e.weight, e.label))[:top]


def name_of(enriched_by_kind: Mapping[str, Sequence[Enrichment]]) -> str:
    """Return the most telling label that three rows in ten share, of the first kind that has one; or nothing."""
    for values in enriched_by_kind.values():
        for found in values:
            if found.share >= _LEAST_SHARE and found.lift >= _NAMING_LIFT:
                return found.label
    return ""


def named(found: Sequence[Profile]) -> tuple[str, ...]:
    """Return one distinct name per type for a label map: ``3: nitro broken``; of types without a name the number."""
    return tuple(f"{p.type_id}: {p.name}" if p.name else str(p.type_id) for p in found)


def wilson(hits: int, rows: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share of rows (Wilson's score interval); (0, 1) of no rows."""
    if not rows:
        return 0.0, 1.0
    share, spread = hits / rows, z * z / rows
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How types and curated classes agree.

    Attributes:
        rows: Rows that have a class.
        purity: Share of rows of the most frequent class of their type, 0..1.
        majority: Share of the most frequent class: the purity of a single type.
        mutual_information: Normalised by the arithmetic mean of the entropies, 0..1 (Strehl and Ghosh, JMLR 2002, 3).
    """

    rows: int
    purity: float
    majority: float
    mutual_information: float


def agreement_with_classes(labels: ArrayLike, classes: ArrayLike, types: int) -> Agreement:
    """Compare types with curated classes.

    Args:
        labels: The type of each row [n].
        classes: Its class from 1, or 0 where none is known [n].
        types: Number of types.

    Raises:
        LabelError: A type is out of range, the two do not match, or no row has a class.
    """
    from sklearn.metrics import normalized_mutual_info_score

    given = type_ids(labels, types)
    curated = np.asarray(classes, np.int64)
    known = curated > 0
    if curated.shape != given.shape or not known.any():
        raise LabelError(f"{len(given)} types and {int(known.sum())} classes cannot be compared.")
    table = np.zeros((types, int(curated.max()) + 1), np.int64)
    np.add.at(table, (given[known], curated[known]), 1)
    rows = int(known.sum())
    shared = float(normalized_mutual_info_score(curated[known], given[known]))
    return Agreement(rows, float(table.max(axis=1).sum() / rows), float(table.sum(axis=0).max() / rows), shared)


def exemplars(
    vectors: ArrayLike, labels: ArrayLike, centroids: ArrayLike, groups: ArrayLike, count: int
) -> list[Labels]:
    """Return, for each type, its rows nearest to its centroid, nearest first; of rows of a group only one.

    Args:
        vectors: What was clustered, [n, d].
        labels: The type of each row [n].
        centroids: [k, d].
        groups: Ids [n] of rows with the same input.
        count: How many.

    Raises:
        VectorError: The vectors are not finite.
        LabelError: A type is out of range.
    """
    points, centres = matrix(vectors), matrix(centroids, "the centroids")
    given, inputs = type_ids(labels, len(centres), len(points)), np.asarray(groups)
    distances = np.linalg.norm(points - centres[given], axis=1)
    found = []
    for type_id in range(len(centres)):
        rows = np.flatnonzero(given == type_id)
        rows = rows[np.argsort(distances[rows], kind="stable")]
        _, first = np.unique(inputs[rows], return_index=True)
        found.append(rows[np.sort(first)][:count].astype(np.int64))
    return found
