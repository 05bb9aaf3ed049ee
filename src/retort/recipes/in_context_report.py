"""The report of an in-context evaluation: every repeat with its intervals over rows, and how the repeats differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from retort.evaluation.predictions import Prediction, Predictions
from retort.evaluation.reports import report
from retort.prompting.extraction import READ, outcome
from retort.prompting.task import Unreadable


def in_context_report(repeats: Sequence[Predictions], shots: Sequence[Mapping[str, int]]) -> dict[str, Any]:
    """Return plain values, ready for JSON.

    Of each repeat: what ``retort evaluate --format json`` prints, with 95 % bootstrap intervals over rows, how many
    answers were read or failed in which way, and how many examples were shown. Over repeats: mean, standard deviation
    (None of one) and the figure of each. The two say different things: an interval how a figure would change with other
    rows, a deviation how it changes with other examples or draws.

    Args:
        repeats: The predictions of each, of the same rows.
        shots: Counts of the examples of each.

    Raises:
        DataError: There are no rows, or no number has a readable target.
    """
    found = []
    for predictions, told in zip(repeats, shots, strict=True):
        scored = report(predictions, 1)
        outcomes = dict(Counter(map(_outcome, predictions.rows)).most_common())
        found.append(scored.as_dict() | {"notes": list(scored.notes), "outcomes": outcomes, "shots": dict(told)})
    return {"repeats": found, "over_repeats": _over([one["metrics"] for one in found])}


def _over(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    by_name = {name: [one[name] for one in metrics] for name in metrics[0]}
    return {
        name: {"mean": fmean(values), "sd": stdev(values) if len(values) > 1 else None, "by_repeat": values}
        for name, values in by_name.items()
    }


def _outcome(row: Prediction) -> str:
    """Return ``read``, or the kind of failure, of a row."""
    return READ if row.status == "ok" else outcome(Unreadable(row.message)) if row.raw is not None else row.status
