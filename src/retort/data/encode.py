"""Examples -> token arrays. The spellings of a row repeat the same components: each is tokenised once."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from retort.data.examples import Spelling, first_example, fits, span_examples, spelled_examples
from retort.data.records import Example, Record
from retort.data.spans import SPAN_DENOISING
from retort.errors import ChemistryError
from retort.prompting.task import TASKS, Task
from retort.prompting.vocabulary import TEXT_OPEN, Vocabulary

Encoded = tuple[int, list[npt.NDArray[np.uint16]]]
"""Task index of a row, and its sequences: source, target, source, target, ..."""

_SPECIAL = re.compile(r"(?:<[a-z]\w*>)+")
_SEPARATOR = re.compile(r"(\.|(?<!-)>)")  # between components and roles; not the arrow of a dative bond


class Encoder:
    """Encodes SMILES prompts and targets as :meth:`Vocabulary.encode` does, component by component from a cache."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._piece = lru_cache(maxsize=16_384)(self._encode_piece)

    def encode(self, text: str) -> npt.NDArray[np.uint16]:
        """Return the ids of a text, ended by ``</s>``; in SMILES special tokens may stand at the beginning alone.

        Raises:
            ChemistryError: The rest of the text is not SMILES.
        """
        if TEXT_OPEN in text:
            return np.asarray(self._vocabulary.encode(text), dtype=np.uint16)
        special = _SPECIAL.match(text)
        start = special.end() if special else 0
        ids = list(self._piece(text[:start]))
        for piece in _SEPARATOR.split(text[start:]):
            ids += self._piece(piece)
        ids.append(self._vocabulary.eos_id)
        return np.asarray(ids, dtype=np.uint16)

    def examples(self, examples: Sequence[Example]) -> list[npt.NDArray[np.uint16]]:
        """Return source, target, source, target, ... of the copies of one row."""
        return [self.encode(text) for example in examples for text in (example.prompt, example.target)]

    def _encode_piece(self, text: str) -> tuple[int, ...]:
        return tuple(self._vocabulary.encode(text)[:-1])


def encode_record(
    record: Record, tasks: Sequence[str], encoder: Encoder, spelling: Spelling, seed: int
) -> list[Encoded]:
    """Return one encoded row for each task that a train record can ask and answer, in the order of the tasks.

    A row whose answer cannot be written as asked for has no sequences.
    """
    rows: list[Encoded] = []
    for index, name in enumerate(tasks):
        if name == SPAN_DENOISING:
            rows.append((index, encoder.examples(span_examples(record, 0, spelling, seed))))
        elif fits(task := TASKS.get(name), record):
            rows.append(
                (index, _encoded(encoder, spelling, partial(spelled_examples, task, record, 0, spelling, seed)))
            )
    return rows


def encode_first(task: Task, record: Record, encoder: Encoder, spelling: Spelling) -> list[npt.NDArray[np.uint16]]:
    """Return source and target of a row in its first spelling; none as in :func:`encode_record`."""
    return _encoded(encoder, spelling, lambda: [first_example(task, record, 0, spelling)])


def _encoded(encoder: Encoder, spelling: Spelling, made: Callable[[], list[Example]]) -> list[npt.NDArray[np.uint16]]:
    """Return the sequences of one row; none where its answer has no SELFIES and is to be written in them."""
    try:
        return encoder.examples(made())
    except ChemistryError:
        if spelling.answers == "smiles":
            raise
        return []
