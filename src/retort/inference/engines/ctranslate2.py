"""Run an exported model with CTranslate2: no torch, int8 by default.

Scores follow the protocol: with ``length_penalty=1`` and ``min_decoding_length=0`` CTranslate2 divides the summed
log-probability of a finished hypothesis, end token included, by its length, end token included. (Its default minimum
length of 1 masks the end token in the first step and renormalises the others, which shifts every score.)
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import ctranslate2

from retort.errors import ModelError
from retort.models.protocol import Hypothesis, Words

_BATCH = 16  # sequences that one thread decodes together
_WAVE = 4  # batches per thread in one call; calls are short so that an interrupt is soon heard


class CTranslate2Engine:
    """An encoder-decoder in CTranslate2's format.

    Args:
        folder: Holds ``model.bin``, ``config.json`` and ``shared_vocabulary.json``.
        vocabulary: Ids and tokens of the model.
        compute_type: CTranslate2's name of the arithmetic, e.g. ``int8`` or ``float32``.
        threads: Translations that run side by side, one thread each; all cores of this process by default.
        patience: A search ends when this many times the beams are finished, 1 or more (see docs/decisions/0023).

    Raises:
        ModelError: The folder is not a model, or its vocabulary is another one.
    """

    def __init__(
        self,
        folder: Path,
        vocabulary: Words,
        *,
        compute_type: str = "int8",
        threads: int | None = None,
        patience: float = 1.0,
    ) -> None:
        self._threads = threads or available_cores()
        self._patience = patience
        self._tokens = vocabulary.tokens
        self._ids = vocabulary.ids
        _check_vocabulary(folder, vocabulary)
        try:
            self._translator = ctranslate2.Translator(
                str(folder), compute_type=compute_type, inter_threads=self._threads, intra_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"cannot load the model in {str(folder)!r}: {error}.") from error

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of every source, best first (see :class:`retort.models.protocol.Seq2Seq`)."""
        answers: list[list[Hypothesis]] = []
        for start in self._waves(len(sources)):
            results = self._translator.translate_batch(
                [self._texts(source) for source in sources[start : start + self._wave]],
                max_batch_size=_BATCH,
                beam_size=beam_size,
                num_hypotheses=num_hypotheses,
                max_decoding_length=max_length,
                max_input_length=0,
                min_decoding_length=0,
                length_penalty=1,
                patience=self._patience,
                return_scores=True,
            )
            for result in results:
                pairs = zip(result.hypotheses, result.scores, strict=True)
                answers.append([Hypothesis(tuple(self._ids[t] for t in tokens), score) for tokens, score in pairs])
        return answers

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return ``log p(target + </s> | source)`` of every pair, natural logarithm, summed over tokens."""
        scores: list[float] = []
        for start in self._waves(len(sources)):
            results = self._translator.score_batch(
                [self._texts(source) for source in sources[start : start + self._wave]],
                [self._texts(target) for target in targets[start : start + self._wave]],
                max_batch_size=_BATCH,
                max_input_length=0,
            )
            scores += [sum(result.log_probs) for result in results]
        return scores

    @property
    def _wave(self) -> int:
        return _BATCH * _WAVE * self._threads

    def _waves(self, count: int) -> Iterator[int]:
        return iter(range(0, count, self._wave))

    def _texts(self, ids: Sequence[int]) -> list[str]:
        return [self._tokens[i] for i in ids]


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_vocabulary(folder: Path, vocabulary: Words) -> None:
    path = folder / "shared_vocabulary.json"
    try:
        tokens = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {str(path)!r}: {error}.") from error
    if tuple(tokens) != vocabulary.tokens:
        raise ModelError(f"{str(path)!r} is not the vocabulary that stands beside it.", "Export the model again.")
