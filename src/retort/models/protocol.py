"""What a sequence-to-sequence language model must do; engines and toys follow it.

Token ids are those of :class:`retort.prompting.vocabulary.Vocabulary`: padding is 0, ``</s>`` is 1, and decoding
starts from padding. Nothing here needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

PAD_ID = 0
EOS_ID = 1
IGNORED = -100  # in place of padding where a target is a label


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One decoded answer.

    Attributes:
        tokens: Token ids without ``</s>``.
        score: Length-normalised natural-log probability: the sum over all tokens, ``</s>`` included, divided by
            their number, ``</s>`` included.
    """

    tokens: tuple[int, ...]
    score: float


class Seq2Seq(Protocol):
    """A model that answers token sequences with token sequences."""

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of each source, best first.

        Args:
            sources: Token ids, each ended by ``</s>``.
            beam_size: Width of the beam search; 1 is greedy.
            num_hypotheses: Answers wanted per source, at most ``beam_size``.
            max_length: Longest answer in tokens, ``</s>`` included.
        """
        ...

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return the summed ``log p(target + </s> | source)`` of each pair, in natural log.

        Args:
            sources: Token ids, each ended by ``</s>``.
            targets: Token ids without ``</s>``.
        """
        ...
