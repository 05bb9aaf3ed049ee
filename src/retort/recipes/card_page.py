"""``README.md`` of a model folder, written from its card."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retort.recipes.card import METRICS, Audited, Card, Training

README = "README.md"


def write_card(folder: Path, values: Mapping[str, Any], card: Card) -> None:
    """Write ``figures.json`` and ``README.md`` into a model folder.

    Args:
        folder: The model folder.
        values: What its ``model.json`` says: name, release, and tasks with who answers them.
        card: What was measured.
    """
    card.save(folder)
    lines = _lines(f"{values['name']} {values['release']}", values["tasks"], card)
    (folder / README).write_text("\n".join([*lines, ""]), "utf-8")


def _lines(title: str, tasks: Mapping[str, Any], card: Card) -> Iterator[str]:
    yield f"# {title}"
    if card.introduction:
        yield f"\n{card.introduction}"
    yield "\n## Answers\n"
    yield from _table("task", "trained", "answers by default", "on request")
    for name, task in tasks.items():
        trained = "yes" if task["trained"] else f"no: {task.get('reason', '')}"
        yield _row(name, trained, *(", ".join(task.get(key, ())) or "-" for key in ("proposers", "on_request")))
    yield from _figures(card)
    yield from _confidence(card)
    if card.training:
        yield from _data(card.training)
    if card.audit:
        yield from _audit(card.audit)
    if card.limits:
        yield "\n## Limits\n"
        yield from (f"- {limit}" for limit in card.limits)
    for heading, words in card.sections.items():
        yield f"\n## {heading}\n\n{words}"
    if card.reproduce:
        yield "\n## Make it again\n\n```"
        yield from card.reproduce
        yield f"```\n\nCode: commit `{card.commit}`."


def _figures(card: Card) -> Iterator[str]:
    if not card.figures:
        return
    yield "\n## Figures\n\nPer cent, every row counted, 95 % bootstrap intervals in brackets. Isomeric.\n"
    yield from _table("what", "n", "top-1", "top-3", "top-5", "top-10", "valid@1")
    for figure in card.figures:
        cells = [_percent(figure.metrics[name]) if name in figure.metrics else "-" for name in METRICS]
        yield _row(figure.label, f"{figure.n:,}", *cells)
    if card.measured:
        yield f"\n{card.measured}"


def _confidence(card: Card) -> Iterator[str]:
    if not card.confidence:
        return
    yield "\n## Confidence\n\nExpected calibration error of the first candidate, 15 bins of equal mass: of the raw"
    yield "probability `exp(score)`, and of the calibrated confidence.\n"
    yield from _table("task", "method", "rows", "raw", "calibrated", "by chance")
    for row in card.confidence:
        yield _row(row.task, row.method, row.rows, f"{row.raw:.3f}", f"{row.calibrated:.3f}", f"{row.chance:.3f}")


def _data(training: Training) -> Iterator[str]:
    yield "\n## Data\n"
    yield from _table("source", "train rows used")
    yield from (_row(name, f"{count:,}") for name, count in training.rows.items())
    yield "\nDropped by the leak rule (product or reactant set of a protected row elsewhere, stereo-free):\n"
    yield from (f"- {reason}: {count:,}" for reason, count in training.dropped.items())
    yield "\nKept because a published split is kept, and counted:\n"
    yield from (f"- {reason}: {count:,}" for reason, count in training.kept_inside.items())
    yield f"\nSHA-256 of the training records: `{training.sha256}`"


def _audit(audit: Audited) -> Iterator[str]:
    names = sorted({name for part in audit.parts.values() for name in part.leaks})
    yield f"\n## Audit\n\nHeld-out rows that also occur among the {audit.train_rows:,} train rows across sources;"
    yield "in brackets, those within their own published split, which is kept as published. A dash: does not apply.\n"
    yield from _table("held-out rows", "n", *(name.replace("_", " ") for name in names))
    for part, found in audit.parts.items():
        cells = [_cell(found.leaks.get(name), found.within_split.get(name)) for name in names]
        yield _row(part, f"{found.rows:,}", *cells)


def _table(*heads: str) -> Iterator[str]:
    yield _row(*heads)
    yield f"|{'---|' * len(heads)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(across: int | None, within: int | None) -> str:
    return "-" if across is None else f"{across:,}" + (f" ({within:,})" if within else "")


def _percent(values: Sequence[float]) -> str:
    value, low, high = (100 * value for value in values)
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"
