"""The model card: what a model is, what was measured, what it was trained on. No figure is typed by hand.

All of it stands in ``figures.json`` of the model folder, so that a later change of the model replaces what it measured
and keeps the rest; ``README.md`` is written from it (:mod:`retort.recipes.card_page`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retort.config import as_dict, build, option
from retort.data.splits import TRAIN
from retort.errors import ConfigError, DataError, ModelError

FIGURES = "figures.json"
METRICS = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "validity@1")


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
class CardChange:
    """What a changed model says anew; all else stays as it is."""

    introduction: str | None = option(None, help="opening paragraphs")
    measured: str | None = option(None, help="how the figures were measured, with the commands")
    reproduce: tuple[str, ...] | None = option(None, help="commands that make this model again")
    limits: tuple[str, ...] | None = option(None, help="what the model cannot do, one sentence each")
    figures: tuple[Figure, ...] = option((), help="measured figures; one of the same label is replaced")
    without: tuple[str, ...] = option((), help="labels of figures that no longer hold")
    calibrations: tuple[Path, ...] = option((), help="<task>.report.json files; those of the same task are replaced")
    unsure: tuple[str, ...] = option((), help="tasks whose confidence no longer holds")
    sections: Mapping[str, str] = option(help="heading -> words in Markdown; empty words remove it", factory=dict)


@dataclass(frozen=True)
class Measured:
    """A figure of the card.

    Attributes:
        label: What was measured, on which rows.
        n: Number of rows.
        metrics: Name -> value, low and high end of the interval, as fractions.
    """

    label: str
    n: int
    metrics: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Confident:
    """Expected calibration errors of the first candidates of some rows.

    Attributes:
        task: Name of the task.
        method: How the calibration was fitted.
        rows: Which rows.
        raw: Error of ``exp(score)``.
        calibrated: Error of the confidence.
        chance: Error that a perfect calibration would show on so many rows.
    """

    task: str
    method: str
    rows: str
    raw: float
    calibrated: float
    chance: float


@dataclass(frozen=True)
class Training:
    """The train rows behind a model.

    Attributes:
        rows: Source -> train rows used.
        dropped: What the leak rule dropped, reason -> rows.
        kept_inside: What it kept since a published split is kept, reason -> rows.
        sha256: Checksum of the records.
    """

    rows: Mapping[str, int]
    dropped: Mapping[str, int]
    kept_inside: Mapping[str, int]
    sha256: str


@dataclass(frozen=True)
class AuditedPart:
    """How many of some held-out rows are also among train rows, by category; None where one does not apply."""

    rows: int
    leaks: Mapping[str, int | None]
    within_split: Mapping[str, int | None]


@dataclass(frozen=True)
class Audited:
    """An audit: number of train rows, and what was found by held-out part."""

    train_rows: int
    parts: Mapping[str, AuditedPart]


@dataclass(frozen=True)
class Card:
    """All that a card says; the file ``figures.json``."""

    introduction: str = ""
    measured: str = ""
    limits: tuple[str, ...] = ()
    reproduce: tuple[str, ...] = ()
    commit: str = ""
    figures: tuple[Measured, ...] = ()
    confidence: tuple[Confident, ...] = ()
    training: Training | None = None
    audit: Audited | None = None
    sections: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: CardConfig, manifest: Mapping[str, Any]) -> "Card":
        """Gather a card.

        Args:
            config: Words, and where the reports stand.
            manifest: Manifest of the prepared folder that the model was trained on.

        Raises:
            DataError: A report is missing or damaged.
        """
        return cls(
            config.introduction.strip(),
            config.measured.strip(),
            config.limits,
            config.reproduce,
            config.commit,
            tuple(map(_measured, config.figures)),
            tuple(row for path in config.calibrations for row in _confident(path)),
            _training(manifest),
            None if config.audit is None else build(Audited, _audited(config.audit), str(config.audit)),
        )

    @classmethod
    def load(cls, folder: Path) -> "Card":
        """Read the card of a model folder; an empty one where a folder has neither figures nor a README.

        Raises:
            ModelError: The file is damaged, or the folder has a README alone, which would be lost.
        """
        path = folder / FIGURES
        if not path.exists() and not (folder / "README.md").exists():
            return cls()
        try:
            return build(cls, json.loads(path.read_text("utf-8")), str(path))
        except (OSError, ValueError, ConfigError) as error:
            raise ModelError(f"cannot read {str(path)!r}: {error}.", "Release the model again.") from error

    def save(self, folder: Path) -> None:
        """Write ``figures.json`` into a model folder."""
        (folder / FIGURES).write_text(json.dumps(as_dict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")

    def changed(self, change: CardChange) -> "Card":
        """Return the card with what a change says in place of what stood there.

        Raises:
            ConfigError: A label is to be left out that is not there.
            DataError: A report is missing or damaged.
        """
        absent = set(change.without) - {figure.label for figure in self.figures}
        if absent:
            raise ConfigError(f"the card has no figure {min(absent)!r}.", "Name it as the card does.")
        new = {figure.label: _measured(figure) for figure in change.figures}
        kept = [new.pop(old.label, old) for old in self.figures if old.label not in change.without]
        confidence = [row for path in change.calibrations for row in _confident(path)]
        tasks = {*change.unsure, *(row.task for row in confidence)}
        sections = {**self.sections, **{title: words.strip() for title, words in change.sections.items()}}
        return replace(
            self,
            introduction=(change.introduction or self.introduction).strip(),
            measured=(change.measured or self.measured).strip(),
            limits=change.limits or self.limits,
            reproduce=change.reproduce or self.reproduce,
            figures=(*kept, *new.values()),
            confidence=(*(row for row in self.confidence if row.task not in tasks), *confidence),
            sections={title: text for title, text in sections.items() if text},
        )


def _measured(figure: Figure) -> Measured:
    report = _read(figure.report, figure.label)
    known = [name for name in METRICS if name in report["metrics"]]
    values = {name: (report["metrics"][name], *report["intervals"][name]) for name in known}
    return Measured(figure.label, report["n"], values)


def _confident(path: Path) -> Iterator[Confident]:
    report = _read(path, "calibration")
    for name, found in report["rows"].items():
        before, after = found["before"]["first"], found["after"]["first"]
        yield Confident(report["task"], report["method"], name, before["error"], after["error"], after["chance"])


def _training(manifest: Mapping[str, Any]) -> Training:
    counts, ending = manifest["counts"], f"/{TRAIN}"
    rows = {name.removesuffix(ending): n for name, n in sorted(counts["records"].items()) if name.endswith(ending)}
    leaks = counts["leak_rule"]
    return Training(rows, leaks["dropped"], leaks["kept_inside"], manifest["files"]["records.parquet"])


def _audited(path: Path) -> dict[str, Any]:
    report = _read(path, "audit")
    kept = ("rows", "leaks", "within_split")
    parts = {part: {key: found[key] for key in kept} for part, found in report["parts"].items()}
    return {"train_rows": report["train_rows"], "parts": parts}


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{what}: cannot read {str(path)!r}: {error}.") from error
    return report
