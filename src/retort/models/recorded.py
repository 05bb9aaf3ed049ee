"""Questions and answers of a language model as files, so that another machine can do the decoding.

A *questions* file holds token sequences; an *answers* file holds the same sequences and the hypotheses of each. Both
are compressed NumPy archives. :class:`RecordedSeq2Seq` then answers from answers files as the model itself would:
reading SMILES, voting and scoring need no torch, and decoding needs no RDKit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retort.errors import ModelError
from retort.models.protocol import Hypothesis

Tokens = tuple[int, ...]


def write_questions(path: Path, sources: Sequence[Tokens]) -> None:
    """Write token sequences, each ended by ``</s>``."""
    np.savez_compressed(path, **_packed("source", sources))


def read_questions(path: Path) -> list[Tokens]:
    """Read the token sequences of a questions or answers file; raises ModelError where it is damaged."""
    with _opened(path, "source") as archive:
        return _unpacked(archive, "source")


def write_answers(path: Path, sources: Sequence[Tokens], answers: Sequence[Sequence[Hypothesis]], limit: int) -> None:
    """Write hypotheses beside their questions.

    Args:
        path: The file, ending in ``.npz``.
        sources: Token sequences.
        answers: Hypotheses of each, best first.
        limit: ``max_length`` of the search, by which a cut-off answer is recognised.
    """
    flat = [hypothesis for hypotheses in answers for hypothesis in hypotheses]
    np.savez_compressed(
        path,
        **_packed("source", sources),
        **_packed("answer", [hypothesis.tokens for hypothesis in flat]),
        scores=np.array([hypothesis.score for hypothesis in flat], np.float32),
        counts=np.array([len(hypotheses) for hypotheses in answers], np.int32),
        limit=np.array(limit, np.int32),
    )


class RecordedSeq2Seq:
    """Answers of a model that were decoded elsewhere, behind :class:`retort.models.protocol.Seq2Seq`.

    Args:
        paths: Answers files.

    Raises:
        ModelError: A file is missing or damaged, or the files were decoded with different limits.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise ModelError("there are no recorded answers.", "Decode the questions first.")
        self._answers: dict[Tokens, list[Hypothesis]] = {}
        limits = {self._read(path) for path in paths}
        if len(limits) != 1:
            raise ModelError(f"the recorded answers were decoded with different limits: {sorted(limits)}.")
        self._limit = limits.pop()

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the recorded hypotheses of every source, best first, at most ``num_hypotheses`` of them.

        Raises:
            ModelError: A source was not decoded, or with fewer beams or another limit than is asked for.
        """
        if max_length != self._limit:
            raise ModelError(f"the answers were decoded up to {self._limit} tokens, {max_length} are asked for.")
        return [self._recorded(tuple(source), min(beam_size, num_hypotheses)) for source in sources]

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return the summed score of recorded pairs.

        Raises:
            ModelError: A pair is not among the recorded answers.
        """
        return [self._summed(tuple(s), tuple(t)) for s, t in zip(sources, targets, strict=True)]

    def _recorded(self, source: Tokens, wanted: int) -> list[Hypothesis]:
        if source not in self._answers:
            raise ModelError(f"no answer was recorded for a question of {len(source)} tokens.", "Decode it first.")
        found = self._answers[source]
        if len(found) < wanted:
            raise ModelError(f"{wanted} answers are asked for and {len(found)} were recorded.", "Ask for fewer.")
        return found[:wanted]

    def _summed(self, source: Tokens, target: Tokens) -> float:
        for hypothesis in self._answers.get(source, ()):
            if hypothesis.tokens == target:
                return hypothesis.score * (len(target) + 1)
        raise ModelError("recorded answers can score nothing but themselves.", "Use the model itself.")

    def _read(self, path: Path) -> int:
        with _opened(path, "answer") as archive:
            sources, answers = _unpacked(archive, "source"), _unpacked(archive, "answer")
            scores, counts = archive["scores"].tolist(), archive["counts"].tolist()
            limit = int(archive["limit"])
        if sum(counts) != len(answers) or len(counts) != len(sources) or len(scores) != len(answers):
            raise ModelError(f"the parts of {str(path)!r} do not fit together.", "Decode the questions again.")
        flat = iter([Hypothesis(tokens, score) for tokens, score in zip(answers, scores, strict=True)])
        for source, count in zip(sources, counts, strict=True):
            self._answers[source] = [next(flat) for _ in range(count)]
        return limit


def _opened(path: Path, content: str) -> np.lib.npyio.NpzFile:
    try:
        archive = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {str(path)!r}: {error}.") from error
    if not isinstance(archive, np.lib.npyio.NpzFile) or f"{content}.ends" not in archive.files:
        raise ModelError(f"{str(path)!r} holds no recorded {content}s.", "Decode the questions first.")
    return archive


def _packed(name: str, sequences: Sequence[Tokens]) -> dict[str, Any]:
    flat = np.fromiter((token for sequence in sequences for token in sequence), np.uint16)
    ends = np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)
    return {f"{name}.tokens": flat, f"{name}.ends": ends}


def _unpacked(archive: np.lib.npyio.NpzFile, name: str) -> list[Tokens]:
    tokens, ends = archive[f"{name}.tokens"].tolist(), archive[f"{name}.ends"].tolist()
    return [tuple(tokens[start:end]) for start, end in zip([0, *ends][:-1], ends, strict=True)]
