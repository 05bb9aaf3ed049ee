"""The annotator: reads the reaction type of an input with frozen weights, and how far it can be trusted.

It takes sources, the token ids of what a model is asked, and nothing else: there is no parameter through which a
target could reach it. Two kinds: a *probe*, a linear map of the pooled vectors of the sources, and a *scored* language
model that says how likely each of N type tokens is as the answer. The second needs no torch. Importing this module
needs numpy alone.

Legend: ``n`` rows, ``d`` hidden size, ``k`` types.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retort.errors import DataError, ModelError
from retort.models.pooling import Floats, Tokens
from retort.models.protocol import Seq2Seq
from retort.prompting.reaction_types import TypeRange
from retort.prompting.vocabulary import TYPES, Vocabulary

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
UNREADABLE = -1  # in place of a type id where an answer could not be read
_BINS = 10
_NUMBER = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True, eq=False)
class Annotation:
    """What an annotator reads.

    Attributes:
        probabilities: Of each type, float64 [n, k]; every row sums to 1.
    """

    probabilities: Doubles

    @property
    def ids(self) -> Labels:
        """The most probable type of each row, int64 [n]; of equals the first."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)


class Annotator(Protocol):
    """Whatever reads reaction types from inputs."""

    @property
    def types(self) -> int:
        """The number of types."""
        ...

    def annotate(self, sources: Sequence[Tokens]) -> Annotation:
        """Return the types of inputs.

        Args:
            sources: Token ids of the questions, each ended by ``</s>``.

        Raises:
            DataError: There is no source, or one is empty or too long for the encoder.
        """
        ...


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Multinomial logistic regression on pooled vectors as they come from the encoder.

    Attributes:
        weight: float64 [d, k].
        bias: float64 [k]; minus infinity for a type without probability.
        temperature: What logits are divided by.
    """

    weight: Doubles
    bias: Doubles
    temperature: float = 1.0

    def probabilities(self, vectors: ArrayLike) -> Doubles:
        """Return the probability of each type, [n, k], for vectors [n, d].

        Raises:
            ModelError: The vectors are of another size.
        """
        given = np.asarray(vectors, np.float64)
        if given.ndim != 2 or given.shape[1] != len(self.weight):
            raise ModelError(f"the probe reads vectors of size {len(self.weight)}, not of shape {list(given.shape)}.")
        return softmax((given @ self.weight + self.bias) / self.temperature)


@dataclass(frozen=True, eq=False)
class ProbeAnnotator:
    """A probe on the vectors of a frozen encoder.

    Attributes:
        head: The probe.
        read: Returns the pooled vectors [n, d] of sources, float32.
    """

    head: LinearHead
    read: Callable[[Sequence[Tokens]], Floats]

    @property
    def types(self) -> int:
        """The number of types."""
        return len(self.head.bias)

    def annotate(self, sources: Sequence[Tokens]) -> Annotation:
        """Return the types of sources; see :class:`Annotator`."""
        return Annotation(self.head.probabilities(self.read(sources)))


@dataclass(frozen=True, eq=False)
class ScoredAnnotator:
    """A language model that scores one type token per type as the whole answer to the source.

    Attributes:
        engine: What scores.
        tokens: Id of the token of each type, first to last.
        temperature: What log-probabilities are divided by before they are normalised over the types.
    """

    engine: Seq2Seq
    tokens: tuple[int, ...]
    temperature: float = 1.0

    @property
    def types(self) -> int:
        """The number of types."""
        return len(self.tokens)

    def annotate(self, sources: Sequence[Tokens]) -> Annotation:
        """Return the types of sources; see :class:`Annotator`. Raises DataError where the model scores no number."""
        if not len(sources):
            raise DataError("there is no source whose type could be read.")
        asked = [[int(token) for token in source] for source in sources for _ in self.tokens]
        answers = [[token] for _ in sources for token in self.tokens]
        scores = np.array(self.engine.score(asked, answers), np.float64).reshape(len(sources), self.types)
        if np.isnan(scores).any() or not np.isfinite(scores.max(axis=1)).all():
            raise DataError("the model scores some source with no number.", "Check its weights.")
        return Annotation(softmax(scores / self.temperature))


def type_tokens(vocabulary: Vocabulary, types: int) -> tuple[int, ...]:
    """Return the ids of ``<type_0>`` to ``<type_{types-1}>``.

    Raises:
        ModelError: The vocabulary has not so many type tokens.
    """
    names = TYPES[:types]
    if len(names) < types or any(name not in vocabulary.ids for name in names):
        raise ModelError(f"the vocabulary has no {types} type tokens.", f"At most {len(TYPES)} types have one.")
    return tuple(vocabulary.ids[name] for name in names)


def read_label(text: str, types: TypeRange) -> int | None:
    """Return the label 0..N-1 that a text answer states, or None where it states none of them.

    Readable are a type's number with its offset or its name, as prompts show them, and its token ``<type_3>``, which
    carries no offset; nothing but white space may stand around. Nothing else is ever taken for a type.
    """
    answer = text.strip()
    if answer in TYPES:
        label = TYPES.index(answer)
        return label if label < types.count else None
    if types.names:
        return types.names.index(answer) if answer in types.names else None
    if not _NUMBER.fullmatch(answer):
        return None
    label = int(answer) - types.offset
    return label if 0 <= label < types.count else None


def read_labels(texts: Sequence[str], types: TypeRange) -> Labels:
    """Return the labels of text answers, int64 [n]; -1 where one is unreadable."""
    found = (read_label(text, types) for text in texts)
    return np.array([UNREADABLE if label is None else label for label in found], np.int64)


@dataclass(frozen=True)
class AnnotatorReport:
    """How well types were read.

    Attributes:
        rows: Rows judged; every one counts, unreadable ones as wrong.
        unreadable: Rows whose answer states no type.
        accuracy: Share of rows read right, 0..1.
        macro_f1: Mean F1 of the types that occur among truths or answers, 0..1.
        majority: Share of rows of the most frequent type: the accuracy of reading nothing.
        calibration_error: Expected calibration error of the top probability in ten bins of equal width, 0..1; None
            where there are no probabilities.
        confusion: Rows of type i read as type j, [k][k]; unreadable ones are not in it.
    """

    rows: int
    unreadable: int
    accuracy: float
    macro_f1: float
    majority: float
    calibration_error: float | None
    confusion: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**vars(self), "confusion": [list(row) for row in self.confusion]}


def judge(truth: ArrayLike, ids: ArrayLike, types: int, probabilities: Doubles | None = None) -> AnnotatorReport:
    """Compare types that were read with the true ones.

    Args:
        truth: True types, 0..types-1; [n].
        ids: Types that were read, -1 where unreadable; [n].
        types: Number of types.
        probabilities: Of each type, [n, types]; rows with unreadable answers are left out of the calibration error.

    Raises:
        DataError: There is no row, truths and answers do not match, or one is out of range.
    """
    true, read = np.asarray(truth, np.int64), np.asarray(ids, np.int64)
    if not len(true) or true.shape != read.shape:
        raise DataError(f"{len(true)} true types and {len(read)} answers cannot be compared.")
    if true.min() < 0 or true.max() >= types or read.min() < UNREADABLE or read.max() >= types:
        raise DataError(f"a type is not in 0..{types - 1}.")
    readable = read != UNREADABLE
    cells = np.bincount(true[readable] * types + read[readable], minlength=types * types)
    confusion = cells.reshape(types, types)
    counts = np.bincount(true, minlength=types)
    return AnnotatorReport(
        len(true),
        int((~readable).sum()),
        float(np.trace(confusion) / len(true)),
        _macro_f1(confusion, counts),
        float(counts.max() / len(true)),
        None if probabilities is None else calibration_error(probabilities[readable], true[readable]),
        tuple(tuple(int(n) for n in row) for row in confusion),
    )


def calibration_error(probabilities: Doubles, truth: Labels) -> float | None:
    """Return the expected calibration error of the top probability, 0..1; None without rows.

    Guo, Pleiss, Sun and Weinberger, ICML 2017 (arXiv 1706.04599), with ten bins of equal width.
    """
    if not len(truth):
        return None
    top = probabilities.max(axis=1)
    gaps = (probabilities.argmax(axis=1) == truth) - top
    bins = np.minimum((top * _BINS).astype(np.int64), _BINS - 1)
    return float(np.abs(np.bincount(bins, gaps, minlength=_BINS)).sum() / len(truth))


def fit_temperature(probabilities: Doubles, truth: Labels) -> float:
    """Return the temperature, 1/4 to 4, under which the true types of held-out rows are likeliest.

    A share of ``1 / (n + 2)`` of each truth is spread over all types, as for Platt's scaling (1999), so that a few rows
    that are all read right do not ask for certainty.

    Args:
        probabilities: At temperature 1, [n, k].
        truth: True types, [n].
    """
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities)
    rows, spread = np.arange(len(truth)), 1.0 / (len(truth) + 2)

    def loss(temperature: float) -> float:
        told = np.log(np.maximum(softmax(logs / temperature), 1e-12))
        return float(-((1 - spread) * told[rows, truth] + spread * told.mean(axis=1)).mean())

    steps = 2.0 ** np.linspace(-2, 2, 81)
    return float(min(steps, key=loss))


def softmax(logits: Doubles) -> Doubles:
    """Return ``exp(logits)`` normalised over the last axis, [n, k]; minus infinity is a probability of 0."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    normal: Doubles = shifted / shifted.sum(axis=-1, keepdims=True)
    return normal


def _macro_f1(confusion: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Return the mean of ``2 hits / (truths + answers)`` over types that occur on either side."""
    whole = counts + confusion.sum(axis=0)
    return float((2 * np.diagonal(confusion)[whole > 0] / whole[whole > 0]).mean())
