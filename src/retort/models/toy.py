"""A language model without weights: for tests, examples and trying out a server in milliseconds. Needs no torch."""

from collections.abc import Sequence

from retort.models.protocol import EOS_ID, Hypothesis, Words
from retort.prompting.vocabulary import SPECIAL


class ToySeq2Seq:
    """Answers every question with its own molecule, then with one, two, ... waters beside it.

    The answer is the source after its leading special tokens, up to the first ``>``. Hypothesis ``k`` (from 0) has
    ``k`` waters and the length-normalised score ``-(k + 1) / 10``; any other target has the score -10.
    """

    def __init__(self, vocabulary: Words) -> None:
        self._eos = EOS_ID
        self._water = (vocabulary.ids["."], vocabulary.ids["O"])
        self._arrow = vocabulary.ids[">"]

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the first ``num_hypotheses`` answers that fit ``max_length`` tokens, ``</s>`` included."""
        wanted = min(num_hypotheses, beam_size)
        answers = [[self._hypothesis(source, k) for k in range(wanted)] for source in sources]
        return [[h for h in hypotheses if len(h.tokens) < max_length] for hypotheses in answers]

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return the score of each target times its number of tokens, ``</s>`` included."""
        return [
            self._normalised(source, tuple(target)) * (len(target) + 1)
            for source, target in zip(sources, targets, strict=True)
        ]

    def _normalised(self, source: Sequence[int], target: tuple[int, ...]) -> float:
        waters, rest = divmod(len(target) - len(self._hypothesis(source, 0).tokens), len(self._water))
        hypothesis = self._hypothesis(source, max(waters, 0))
        return hypothesis.score if not rest and hypothesis.tokens == target else -10.0

    def _hypothesis(self, source: Sequence[int], waters: int) -> Hypothesis:
        start = next((i for i, token in enumerate(source) if token >= len(SPECIAL)), len(source))
        content = [token for token in source[start:] if token != self._eos]
        content = content[: content.index(self._arrow)] if self._arrow in content else content
        return Hypothesis((*content, *self._water * waters), -(waters + 1) / 10)
