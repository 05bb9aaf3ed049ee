"""The popularity of candidates: the mean number of the train rows in which each was the one that was chosen.

Nothing is learned. The file holds answers of train rows, so it is made locally and is not part of a release.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError
from retort.models.boosted import ModelMeta, read_model, write_model

FORMAT, VERSION = "retort-candidate-means", 1


@dataclass(frozen=True, slots=True)
class CandidateMeans:
    """Candidates of train rows.

    Attributes:
        meta: Where they come from.
        candidates: Distinct, canonical.
        means: Mean number of each, float64 [n].
    """

    meta: ModelMeta
    candidates: tuple[str, ...]
    means: NDArray[np.float64]

    @classmethod
    def gather(cls, meta: ModelMeta, pairs: Iterable[tuple[str, float]]) -> "CandidateMeans":
        """Take ``(candidate, number)`` of train rows."""
        said: dict[str, list[float]] = defaultdict(list)
        for candidate, value in pairs:
            said[candidate].append(value)
        return cls(meta, tuple(sorted(said)), np.array([fmean(said[candidate]) for candidate in sorted(said)]))

    def save(self, path: Path) -> None:
        """Write one file; raises OutputError where that is not possible."""
        write_model(path, FORMAT, VERSION, asdict(self.meta) | {"candidates": self.candidates}, {"means": self.means})

    @classmethod
    def load(cls, path: Path) -> "CandidateMeans":
        """Read a file; raises ModelError where it is missing, damaged, of another kind or inconsistent in itself."""
        meta, arrays = read_model(path, FORMAT, VERSION)
        try:
            candidates = tuple(meta.pop("candidates"))
            found = cls(ModelMeta(**meta), candidates, arrays["means"])
            if found.means.shape != (len(candidates),):
                raise ValueError("its means do not fit its candidates")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"cannot use the model {str(path)!r}: {error}.", "Make it again.") from error
        return found
