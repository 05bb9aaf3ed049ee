"""The model card: what a model is, what was measured, what it was trained on. No figure is typed by hand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retort.config import option
from retort.data.splits import TRAIN
from retort.errors import DataError


@dataclass(frozen=True)
class Figure:
    """A measured figure for the card."""

    label: str = option(help="what was measured, on which rows")
    report: Path = option(help="JSON report of `retort evaluate --format json`")


@dataclass(frozen=True)
class CardConfig:
    """The words of a card, and where its figures stand."""

    introduction: str = option(help="opening paragraphs")
    limits: tuple[str, ...] = option((), help="what the model cannot do, one sentence each")
    measured: str = option("", help="how the figures were measured, with the commands")
    reproduce: tuple[str, ...] = option((), help="commands that make this model again")
    commit: str = option("", help="commit of the code that trained it")
    figures: tuple[Figure, ...] = field(default=(), metadata={"help": "measured figures, in order"})
    calibrations: tuple[Path, ...] = option((), help="<task>.report.json files of the calibration recipe")
    audit: Path | None = option(None, help="audit.json of the audit recipe: train rows against all held-out rows")


@dataclass(frozen=True)
class Answering:
    """Who answers one task."""

    task: str
    trained: bool
    reason: str
    proposers: Sequence[str]
    on_request: Sequence[str]


def card_lines(
    title: str, card: CardConfig, answering: Sequence[Answering], manifest: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the lines of the card in Markdown.

    Args:
        title: Name and version of the model.
        card: Words and figures.
        answering: Who answers each task.
        manifest: Manifest of the prepared folder it was trained on.

    Raises:
        DataError: A report is missing or damaged.
    """
    yield f"# {title}\n\n{card.introduction.strip()}\n\n## Answers\n"
    yield "| task | trained | answers by default | on request |\n|---|---|---|---|"
    for task in answering:
        trained = "yes" if task.trained else f"no: {task.reason}"
        yield f"| {task.task} | {trained} | {', '.join(task.proposers) or '-'} | {', '.join(task.on_request) or '-'} |"
    yield from _figures(card)
    yield from _confidence(card)
    yield from _data(manifest)
    yield from _audit(card)
    yield "\n## Limits\n"
    yield from (f"- {limit}" for limit in card.limits)
    yield "\n## Make it again\n\n```"
    yield from card.reproduce
    yield f"```\n\nCode: commit `{card.commit}`."


def _figures(card: CardConfig) -> Iterator[str]:
    yield "\n## Figures\n\nPer cent, every row counted, 95 % bootstrap intervals in brackets. Isomeric.\n"
    yield "| what | n | top-1 | top-3 | top-5 | top-10 | valid@1 |\n|---|---|---|---|---|---|---|"
    for figure in card.figures:
        report = _read(figure.report, figure.label)
        cells = [_percent(report, f"exact_match@{k}") for k in (1, 3, 5, 10)] + [_percent(report, "validity@1")]
        yield f"| {figure.label} | {report['n']:,} | {' | '.join(cells)} |"
    yield f"\n{card.measured.strip()}"


def _confidence(card: CardConfig) -> Iterator[str]:
    if not card.calibrations:
        return
    yield "\n## Confidence\n\nExpected calibration error of the first candidate, 15 bins of equal mass: of the raw"
    yield "probability `exp(score)`, and of the calibrated confidence.\n"
    yield "| task | method | rows | raw | calibrated | by chance |\n|---|---|---|---|---|---|"
    for path in card.calibrations:
        report = _read(path, "calibration")
        for name, found in report["rows"].items():
            before, after = found["before"]["first"], found["after"]["first"]
            errors = f"{before['error']:.3f} | {after['error']:.3f} | {after['chance']:.3f}"
            yield f"| {report['task']} | {report['method']} | {name} | {errors} |"


def _data(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Data\n\n| source | train rows used |\n|---|---|"
    for name, count in sorted(manifest["counts"]["records"].items()):
        if name.endswith(f"/{TRAIN}"):
            yield f"| {name.removesuffix(f'/{TRAIN}')} | {count:,} |"
    leaks = manifest["counts"]["leak_rule"]
    yield "\nDropped by the leak rule (product or reactant set of a protected row elsewhere, stereo-free):\n"
    yield from (f"- {reason}: {count:,}" for reason, count in leaks["dropped"].items())
    yield "\nKept because a published split is kept, and counted:\n"
    yield from (f"- {reason}: {count:,}" for reason, count in leaks["kept_inside"].items())
    yield f"\nSHA-256 of the training records: `{manifest['files']['records.parquet']}`"


def _audit(card: CardConfig) -> Iterator[str]:
    if card.audit is None:
        return
    report = _read(card.audit, "audit")
    names = sorted({name for part in report["parts"].values() for name in part["leaks"]})
    yield f"\n## Audit\n\nHeld-out rows that also occur among the {report['train_rows']:,} train rows across sources;"
    yield "in brackets, those within their own published split, which is kept as published. A dash: does not apply.\n"
    yield f"| held-out rows | n | {' | '.join(name.replace('_', ' ') for name in names)} |"
    yield f"|{'---|' * (len(names) + 2)}"
    for part, found in report["parts"].items():
        cells = [_cell(found["leaks"].get(name), found["within_split"].get(name)) for name in names]
        yield f"| {part} | {found['rows']:,} | {' | '.join(cells)} |"


def _cell(across: int | None, within: int | None) -> str:
    return "-" if across is None else f"{across:,}" + (f" ({within:,})" if within else "")


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{what}: cannot read {str(path)!r}: {error}.") from error
    return report


def _percent(report: Mapping[str, Any], name: str) -> str:
    if name not in report["metrics"]:
        return "-"
    low, high = report["intervals"][name]
    return f"{100 * report['metrics'][name]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
