"""Decoding with torch: beam search and teacher-forced scores of a network in memory.

Legend: ``b`` sources, ``s`` source tokens, ``t`` target tokens.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from retort.models.device import Precision, autocast
from retort.models.protocol import EOS_ID, IGNORED, PAD_ID, Hypothesis
from retort.models.seq2seq import Seq2SeqModel

T = TypeVar("T")


class TorchSeq2Seq:
    """A network in memory behind the protocol :class:`retort.models.protocol.Seq2Seq`.

    Args:
        batch_size: Sources that are decoded together.
        precision: Arithmetic of the search and of the scores.
    """

    def __init__(self, model: Seq2SeqModel, *, batch_size: int = 32, precision: Precision = "fp32") -> None:
        self._model = model.eval()
        self._batch_size = batch_size
        self._precision: Precision = precision
        self._device = next(model.parameters()).device

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of each source, best first.

        Scores are computed anew by teacher forcing, so that they mean the same for an answer that was cut off at
        ``max_length``.
        """
        answers: list[list[Hypothesis]] = []
        for batch in self._batches(sources):
            tokens = self._beams(batch, beam_size, num_hypotheses, max_length)
            repeated = [source for source in batch for _ in range(num_hypotheses)]
            sums = self.score(repeated, tokens)
            found = [Hypothesis(tuple(t), total / (len(t) + 1)) for t, total in zip(tokens, sums, strict=True)]
            groups = [found[i : i + num_hypotheses] for i in range(0, len(found), num_hypotheses)]
            answers += [sorted(group, key=lambda h: -h.score) for group in groups]
        return answers

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return the summed ``log p(target + </s> | source)`` of each pair, in natural log."""
        totals: list[float] = []
        pairs = list(zip(sources, targets, strict=True))
        for batch in self._batches(pairs):
            source = self._padded([list(pair[0]) for pair in batch], PAD_ID)
            labels = self._padded([[*pair[1], EOS_ID] for pair in batch], IGNORED)
            with autocast(self._device, self._precision):
                losses, _ = self._model.token_losses(source, (source != PAD_ID).long(), labels)
            totals += (-losses.double().sum(1)).tolist()
        return totals

    @torch.no_grad()
    def _beams(self, sources: Sequence[Sequence[int]], beam_size: int, wanted: int, max_length: int) -> list[list[int]]:
        source = self._padded([list(s) for s in sources], PAD_ID)
        with autocast(self._device, self._precision):
            output = self._model.network.generate(
                input_ids=source,
                attention_mask=(source != PAD_ID).long(),
                num_beams=beam_size,
                num_return_sequences=wanted,
                max_new_tokens=max_length,
                length_penalty=1.0,
                do_sample=False,
            )
        rows = [row[1:] for row in output.tolist()]  # the first token is the decoder's start
        return [row[: row.index(EOS_ID)] if EOS_ID in row else row for row in rows]

    def _padded(self, rows: list[list[int]], fill: int) -> Tensor:
        width = max(map(len, rows))
        return torch.tensor([row + [fill] * (width - len(row)) for row in rows], device=self._device)

    def _batches(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        return (items[i : i + self._batch_size] for i in range(0, len(items), self._batch_size))
