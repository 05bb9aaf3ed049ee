"""No alignment: spellings of unmapped reactions stay independent of each other."""

from collections.abc import Sequence

from retort.chem.reaction import Reaction
from retort.data.aligner import Aligner, AlignerFactory, Means


class NoAligner:
    """Maps nothing."""

    name = "none"

    def align(self, reactions: Sequence[Reaction]) -> list[str | None]:
        """Return None for every reaction."""
        return [None] * len(reactions)


def _build(_: Means) -> Aligner:
    """Build it; nothing is needed."""
    return NoAligner()


ALIGNER: AlignerFactory = _build
