"""Run a Hugging Face T5 folder with torch: slower, and the reference that an export is checked against."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.errors import MissingExtraError, ModelError
from retort.models.checkpoint import load_network
from retort.models.protocol import Hypothesis
from retort.prompting.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

_BATCH = 16


class TransformersEngine:
    """An encoder-decoder as a Hugging Face folder, in float32 on the CPU.

    Args:
        folder: Holds ``config.json`` and ``model.safetensors``.
        vocabulary: Ids and tokens of the model.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ModelError: The folder is not a model, or its vocabulary has another size.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        try:
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()  # standard error is for our own words
            self.model: Any = load_network(folder)
        except ImportError as error:
            raise MissingExtraError("running a Hugging Face folder", "train") from error
        if self.model.config.vocab_size != len(vocabulary):
            raise ModelError(
                f"{str(folder)!r} has {self.model.config.vocab_size} token ids, but its vocabulary {len(vocabulary)}."
            )
        self._vocabulary = vocabulary

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of every source, best first (see :class:`retort.models.protocol.Seq2Seq`)."""
        answers: list[list[Hypothesis]] = []
        for start in range(0, len(sources), _BATCH):
            batch = sources[start : start + _BATCH]
            decoded = self._beams(batch, beam_size, num_hypotheses, max_length)
            repeated = [source for source in batch for _ in range(num_hypotheses)]
            summed = self.score(repeated, decoded)
            scored = [
                Hypothesis(tuple(tokens), total / (len(tokens) + 1))
                for tokens, total in zip(decoded, summed, strict=True)
            ]
            for i in range(len(batch)):
                own = scored[i * num_hypotheses : (i + 1) * num_hypotheses]
                answers.append(sorted(own, key=lambda h: -h.score))
        return answers

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return ``log p(target + </s> | source)`` of every pair, natural logarithm, summed over tokens."""
        import torch

        totals: list[float] = []
        for start in range(0, len(sources), _BATCH):
            inputs, mask = self._pad(sources[start : start + _BATCH])
            ended = [[*target, self._vocabulary.eos_id] for target in targets[start : start + _BATCH]]
            labels, wanted = self._pad(ended)
            with torch.inference_mode():
                logits = self.model(input_ids=inputs, attention_mask=mask, labels=labels).logits  # [b, s, vocabulary]
            each = logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)  # [b, s]
            totals += (each * wanted).sum(-1).tolist()
        return totals

    def _beams(
        self, sources: Sequence[Sequence[int]], beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[int]]:
        import torch

        inputs, mask = self._pad(sources)
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=inputs,
                attention_mask=mask,
                num_beams=beam_size,
                num_return_sequences=num_hypotheses,
                max_new_tokens=max_length,
                length_penalty=1.0,
                do_sample=False,
            )
        return [self._strip(row) for row in output[:, 1:].tolist()]

    def _strip(self, ids: list[int]) -> list[int]:
        end = self._vocabulary.eos_id
        return ids[: ids.index(end)] if end in ids else ids

    def _pad(self, rows: Sequence[Sequence[int]]) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return ids and mask, both ``[b, s]``; the mask is 1 on tokens and 0 on padding."""
        import torch

        width = max(len(row) for row in rows)
        pad = self._vocabulary.pad_id
        ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        return ids, mask
