"""Run a Hugging Face T5 folder with torch: slower, and the reference that an export is checked against."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retort.errors import MissingExtraError, ModelError
from retort.models.protocol import Hypothesis, Words

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

    def __init__(self, folder: Path, vocabulary: Words) -> None:
        try:
            from transformers.utils.logging import disable_progress_bar

            from retort.models.checkpoint import load_network
            from retort.models.decoding import TorchSeq2Seq
            from retort.models.seq2seq import Seq2SeqModel

            disable_progress_bar()  # standard error is for our own words
            self.model: Any = load_network(folder)
        except ImportError as error:
            raise MissingExtraError("running a Hugging Face folder", "train") from error
        if self.model.config.vocab_size != len(vocabulary):
            raise ModelError(
                f"{str(folder)!r} has {self.model.config.vocab_size} token ids, but its vocabulary {len(vocabulary)}."
            )
        self._decoder = TorchSeq2Seq(Seq2SeqModel(self.model), batch_size=_BATCH)

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of every source, best first (see :class:`retort.models.protocol.Seq2Seq`)."""
        return self._decoder.generate(
            sources, beam_size=beam_size, num_hypotheses=num_hypotheses, max_length=max_length
        )

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return ``log p(target + </s> | source)`` of every pair, natural logarithm, summed over tokens."""
        return self._decoder.score(sources, targets)
