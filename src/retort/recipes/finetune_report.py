"""What a fine-tuning changed: the same rows before and after, with intervals and paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retort.data.tables import read_table
from retort.evaluation import predictions as files
from retort.evaluation.comparison import differences
from retort.evaluation.reports import report
from retort.evaluation.scoring import Difference, Report
from retort.inference.predictor import Predictor

TOP_K = 10
SHOWN = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10")


@dataclass(frozen=True)
class Change:
    """Two models on the same rows.

    Attributes:
        label: Which rows.
        before: The model that was begun with, as it answers by default.
        after: The fine-tuned one.
        difference: After minus before, per metric.
        report: File of the figures of the latter; None of a part of some rows.
    """

    label: str
    before: Report
    after: Report
    difference: Mapping[str, Difference]
    report: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        shown = {name: [d.difference, *d.interval] for name, d in self.difference.items()}
        return {
            "rows": self.label,
            "n": self.before.n,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "difference": shown,
        }


def changes(label: str, before: Path, after: Path, seen: Sequence[bool | None] = ()) -> list[Change]:
    """Compare the predictions of two ``evaluate`` steps; rows that the start model never saw are shown apart too.

    Args:
        label: Which rows.
        before: Folder of the predictions of the model that was begun with.
        after: Of the fine-tuned one.
        seen: Of each row, whether its question is in the training data of the former; empty where that does not matter.
    """
    pair = tuple(files.read(folder / "predictions.jsonl") for folder in (before, after))
    found = [replace(_change(label, *pair), report=after / "report.json")]
    fresh = [place for place, known in enumerate(seen) if not known]
    if 0 < len(fresh) < len(seen):
        parts = [replace(one, rows=tuple(one.rows[place] for place in fresh)) for one in pair]
        found.append(_change(f"{label}, never seen by the start model", *parts))
    return found


def _change(label: str, before: files.Predictions, after: files.Predictions) -> Change:
    return Change(label, report(before, TOP_K), report(after, TOP_K), differences(before, after, TOP_K))


def seen_by(model: str, task: str, folder: Path) -> list[bool | None]:
    """Return of each row of an ``evaluate`` step whether a model was trained on its question; None where unknown."""
    predictor = Predictor.load(model)
    return [predictor.was_trained_on(task, str(query)) for query in read_table(folder / "rows.csv")["input"]]


def table(found: Sequence[Change]) -> list[dict[str, str]]:
    """Return one line per change and side, in per cent, for a terminal or a page."""
    lines: list[dict[str, str]] = []
    for change in found:
        for side, one in (("before", change.before), ("after", change.after)):
            cells = {_short(name): _percent(one.metrics[name], one.intervals[name]) for name in SHOWN}
            lines.append({"rows": change.label, "n": f"{one.n:,}", "": side, **cells})
        cells = {
            _short(name): _percent(change.difference[name].difference, change.difference[name].interval, "+")
            for name in SHOWN
        }
        lines.append({"rows": change.label, "n": f"{change.before.n:,}", "": "difference", **cells})
    return lines


def markdown(lines: Sequence[Mapping[str, str]]) -> str:
    """Return lines of equal keys as a table in Markdown."""
    rows = [[*lines[0]], ["---"] * len(lines[0]), *([*line.values()] for line in lines)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _short(name: str) -> str:
    return name.replace("exact_match@", "top-")


def _percent(value: float, ends: tuple[float, float], sign: str = "") -> str:
    low, high = ends
    return f"{100 * value:{sign}.1f} [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"
