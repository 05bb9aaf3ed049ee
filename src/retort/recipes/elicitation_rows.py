"""The train rows that types are elicited from: which they are, how an encoder sees them, and how many at a time.

Rows are read in their canonical spelling, in which no prompt states a class. They are drawn once, in an order that the
seed decides, so the first so many are a random sample of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retort.data.collate import PreparedFolder, PreparedSplit
from retort.elicitation import storage
from retort.elicitation.checks import Labels
from retort.elicitation.information import InformationConfig, UsableInformation
from retort.elicitation.self_feedback import Encoder, Say, TrainRows
from retort.elicitation.vectors import Origin, Pair, TextVectors, pooled_texts
from retort.errors import DataError, ModelError, UnknownNameError
from retort.models.pooling import encoder_sha256, sha256_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_STREAM = 0xE11C


@dataclass(frozen=True)
class Choice:
    """Which rows are wanted.

    Attributes:
        task: Their task.
        sources: Their sources; all where it is empty.
        limit: Most rows.
        longest: Most tokens of input and output together; longer rows are left out.
        seed: Of the draw.
    """

    task: str
    sources: tuple[str, ...]
    limit: int
    longest: int
    seed: int


def drawn_rows(split: PreparedSplit, choice: Choice) -> Labels:
    """Return the numbers of the chosen rows in the order they were drawn in, int64 [n].

    Raises:
        UnknownNameError: The folder has no such task or source.
        DataError: There is no such row.
    """
    wanted = np.asarray(split.tasks) == _place("task", choice.task, split.task_names)
    if choice.sources:
        places = [_place("source", name, split.source_names) for name in choice.sources]
        known = np.zeros(len(split), np.uint8) if split.sources is None else np.asarray(split.sources)
        wanted &= np.isin(known, places)
    rows = np.flatnonzero(wanted)
    first = 2 * rows * split.copies
    starts = np.asarray(split.offsets)
    rows = rows[starts[first + 2] - starts[first] <= choice.longest]
    if not len(rows):
        raise DataError(f"no row asks {choice.task} within {choice.longest} tokens.", "Choose other tasks or sources.")
    return np.random.default_rng([choice.seed, _STREAM]).permutation(rows)[: choice.limit].astype(np.int64)


def canonical_pairs(split: PreparedSplit, rows: Labels) -> list[Pair]:
    """Return source and target ids of rows in their first spelling, whose prompt is canonical and states no class."""
    return [split.pair(row, -row) for row in rows.tolist()]


def groups_of(sources: Sequence[Any]) -> Labels:
    """Return one id per row, int64 [n], equal where the inputs are."""
    ids: dict[bytes, int] = {}
    return np.array([ids.setdefault(np.asarray(s, np.int64).tobytes(), len(ids)) for s in sources], np.int64)


@dataclass(frozen=True, eq=False)
class ElicitationRows:
    """The rows of one task.

    Attributes:
        choice: How they were chosen.
        rows: Their numbers, int64 [n].
        pairs: Token ids of input and output.
        start: The encoder of the first rounds.
        information: How the criterion is measured.
        joined: Whether input and output are also read in one pass.
        cache: File that keeps the vectors of the start.
        provenance: What is written into artefacts.
        say: Told when something takes long.
    """

    choice: Choice
    rows: Labels
    pairs: Sequence[Pair]
    start: "Encoder[PreTrainedModel]"
    information: InformationConfig
    joined: bool
    cache: Path
    provenance: Mapping[str, Any]
    say: Say

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def groups(self) -> Labels:
        """Ids of rows with the same input, int64 [n]."""
        return groups_of([source for source, _ in self.pairs])

    @cached_property
    def texts(self) -> TextVectors:
        """Vectors of all rows by the start, from the cache where it fits."""
        origin = Origin(encoder_sha256(self.start.network), _pairs_sha256(self.pairs))
        found = self._cached(origin)
        if found is None:
            self.say(f"embedding {len(self):,} rows of {self.choice.task}")
            found = pooled_texts(self.start.network, self.pairs, joined=self.joined)
            arrays = {"inputs": found.inputs, "outputs": found.outputs}
            arrays |= {} if found.joined is None else {"joined": found.joined}
            storage.write(self.cache, "retort-vectors", 1, {"encoder": origin.encoder, "rows": origin.rows}, arrays)
        return found

    def first(self, count: int) -> "TrainRows[PreTrainedModel]":
        """Return the first rows as self-feedback takes them.

        Raises:
            VectorError: They are too few, or too much alike, for the criterion.
        """
        texts = _first(self.texts, count)

        def embed(network: "PreTrainedModel") -> TextVectors:
            if network is self.start.network:
                return texts
            return pooled_texts(network, self.pairs[:count], joined=self.joined)

        criterion = UsableInformation(texts.inputs, texts.outputs, self.information, self.groups[:count])
        return TrainRows(self.choice.task, self.rows[:count], self.groups[:count], embed, criterion, self.provenance)

    def _cached(self, origin: Origin) -> TextVectors | None:
        if not self.cache.is_file():
            return None
        try:
            settings, arrays = storage.read(self.cache, "retort-vectors", 1)
        except ModelError:
            return None  # made anew and replaced
        joined = arrays.get("joined")
        fits = settings == {"encoder": origin.encoder, "rows": origin.rows} and (joined is not None or not self.joined)
        return TextVectors(arrays["inputs"], arrays["outputs"], joined, origin) if fits else None


def chosen_rows(folder: PreparedFolder, choice: Choice) -> tuple[Labels, list[Pair]]:
    """Return the numbers and token ids of the chosen train rows; raises as :func:`drawn_rows`."""
    split = folder.split("train")
    rows = drawn_rows(split, choice)
    return rows, canonical_pairs(split, rows)


def _first(texts: TextVectors, count: int) -> TextVectors:
    joined = None if texts.joined is None else texts.joined[:count]
    return TextVectors(texts.inputs[:count], texts.outputs[:count], joined, texts.origin)


def _pairs_sha256(pairs: Sequence[Pair]) -> str:
    return sha256_of(np.asarray(ids, np.int64).tobytes() for pair in pairs for ids in pair)


def _place(kind: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise UnknownNameError(kind, name, names)
    return list(names).index(name)
