"""What a model is told of the types of its rows: one key says where they come from, in training and where it is judged.

The published system trains on clusters that have seen the output and is judged on types that were read from the input
(``predicted``). That is one of eight sources of knowledge here; the others say what of a gain comes from the types.

=============  ==========================================  ========================================
source         train rows                                  held-out rows
=============  ==========================================  ========================================
off            nothing                                     nothing
oracle         cluster                                     cluster: a bound, never a result
predicted      cluster                                     read from the input
out_of_fold    read from the input, by one that has not    read from the input
               seen the row
shuffled       as out_of_fold, dealt out at random         as out_of_fold, dealt out at random
soft           as out_of_fold, all probabilities           all probabilities
input_only     cluster of the inputs                       cluster of the inputs
curated        reaction class                              reaction class: a bound, never a result
=============  ==========================================  ========================================

Legend: ``n`` rows, ``k`` types.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from retort.elicitation.checks import Doubles, LabelError, Labels, type_ids
from retort.errors import UnknownNameError

Knowledge = Literal["off", "oracle", "predicted", "out_of_fold", "shuffled", "soft", "input_only", "curated"]
SOURCES: tuple[Knowledge, ...] = get_args(Knowledge)
BOUNDS: tuple[Knowledge, ...] = ("oracle", "curated")  # read the answer: never what a model is credited with
_STREAM = 0x5F1E


def knowledge_named(name: str) -> Knowledge:
    """Return the source of a name; raises UnknownNameError where there is none."""
    for known in SOURCES:
        if name == known:
            return known
    raise UnknownNameError("source of knowledge", name, SOURCES)


@dataclass(frozen=True, eq=False)
class RowTypes:
    """What there is to be known of the types of some rows.

    Attributes:
        labels: The cluster of each, int64 [n]. It has seen the output, unless what was clustered are the inputs.
        read: What an annotator that was not fitted to the row reads from its input, float64 [n, k]; rows sum to 1.
        classes: The curated class of each, 1 to 10, int64 [n]; 0 where none is known.

    Raises:
        LabelError: The parts are not of the same rows or types.
    """

    labels: Labels
    read: Doubles
    classes: Labels

    def __post_init__(self) -> None:
        if self.read.ndim != 2 or not len(self.labels) == len(self.read) == len(self.classes):
            raise LabelError(
                f"{len(self.labels)} labels, probabilities of the shape {list(self.read.shape)} and "
                f"{len(self.classes)} classes are not of the same rows."
            )
        type_ids(self.labels, self.types, len(self.labels))
        if not np.allclose(self.read.sum(axis=1), 1, atol=1e-4) or (self.read < 0).any():
            raise LabelError("the probabilities of some row are not a distribution.")

    @property
    def types(self) -> int:
        """The number of types, k."""
        return int(self.read.shape[1])

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: ArrayLike) -> "RowTypes":
        """Return some rows, in the given order."""
        places = np.asarray(rows, np.int64)
        return RowTypes(self.labels[places], self.read[places], self.classes[places])


@dataclass(frozen=True, eq=False)
class Told:
    """What a model is told of its rows.

    Attributes:
        train: Share of each type (or class) in every train row, float64 [n, k]; None where nothing is told.
        held_out: The same of the held-out rows [m, k].
        classes: The columns are curated classes 1 to k, not types.
    """

    train: Doubles | None
    held_out: Doubles | None
    classes: bool = False


def told(knowledge: Knowledge, train: RowTypes, held_out: RowTypes, *, seed: int = 0, inputs: bool = False) -> Told:
    """Return what one source of knowledge tells of train and held-out rows.

    Args:
        knowledge: The source.
        train: Of the train rows; their probabilities are out of fold.
        held_out: Of the held-out rows, by the annotator that is kept.
        seed: Of the shuffling.
        inputs: The clusters are those of the inputs alone.

    Raises:
        LabelError: The two are of different types, ``input_only`` is asked for and the clusters have seen the output,
            or a class is asked for and some row has none.
    """
    if train.types != held_out.types:
        raise LabelError(f"train rows have {train.types} types, held-out rows {held_out.types}.")
    if (knowledge == "input_only") and not inputs:
        raise LabelError("input_only needs clusters of the inputs.", "Elicit types with the encoding 'input'.")
    if knowledge == "off":
        return Told(None, None)
    if knowledge == "curated":
        return Told(_of_classes(train), _of_classes(held_out), classes=True)
    if knowledge == "soft":
        return Told(train.read, held_out.read)
    if knowledge in ("oracle", "input_only"):
        return Told(_one_hot(train.labels, train.types), _one_hot(held_out.labels, held_out.types))
    if knowledge == "predicted":
        return Told(_one_hot(train.labels, train.types), _likeliest(held_out))
    if knowledge == "shuffled":
        random = np.random.default_rng([seed, _STREAM])
        return Told(_dealt(_likeliest(train), random), _dealt(_likeliest(held_out), random))
    return Told(_likeliest(train), _likeliest(held_out))


def _one_hot(labels: Labels, types: int) -> Doubles:
    return np.eye(types)[labels]


def _likeliest(part: RowTypes) -> Doubles:
    return _one_hot(part.read.argmax(axis=1), part.types)


def _dealt(shares: Doubles, random: np.random.Generator) -> Doubles:
    return shares[random.permutation(len(shares))]


def _of_classes(part: RowTypes) -> Doubles:
    if not part.classes.all():
        raise LabelError(f"{int((part.classes == 0).sum())} of {len(part)} rows have no curated class.")
    return _one_hot(part.classes - 1, 10)
