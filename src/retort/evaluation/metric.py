"""What a metric is: one number per row and cut-off, averaged over every row.

A metric is one file of ``metrics/`` that binds ``METRIC``. Its docstring states how answers are canonicalised and
what becomes of stereochemistry. No metric depends on the spelling of a SMILES or on the order of its components; all
keep multiplicity; an empty or unreadable answer is worth 0, and so is a row without answers. A row is never dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass

from retort.evaluation.predictions import Prediction
from retort.registry import Registry


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to judge predictions.

    Attributes:
        name: Name of the file; figures are called ``name@k``.
        summary: One line for lists and docs, with the canonicalisation and stereo policy.
        cutoffs: The values of k that are reported.
        per_row: Worth of the first k candidates of one row, 0 to 1.
    """

    name: str
    summary: str
    cutoffs: tuple[int, ...]
    per_row: Callable[[Prediction, int], float]


METRICS: Registry[Metric] = Registry("metric", "retort.evaluation.metrics", "METRIC")


def best_of_first(row: Prediction, k: int, worth: Callable[[str, str], float]) -> float:
    """Return the most that one of the first k candidates is worth beside the target; 0 without candidates."""
    return max((worth(candidate.smiles, row.target) for candidate in row.candidates[:k]), default=0.0)
