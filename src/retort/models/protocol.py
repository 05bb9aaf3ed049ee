"""What a sequence-to-sequence language model must do; engines and toys follow it.

Token ids are those of :class:`retort.prompting.vocabulary.Vocabulary`: padding is 0, ``</s>`` is 1, and decoding
starts from padding. Nothing here needs torch.
"""

from collections.abc import Mapping, Sequence
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


class Words(Protocol):
    """What turns texts into the tokens of a model and back; our own vocabulary, or that of a foreign model."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens by id; padding is 0 and ``</s>`` is 1."""
        ...

    @property
    def ids(self) -> Mapping[str, int]:
        """Token -> id."""
        ...

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of a prompt or answer."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids up to the first ``</s>``."""
        ...


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
