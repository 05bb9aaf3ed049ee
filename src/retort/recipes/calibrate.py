"""Fit the confidence of one task on predictions whose answers are known, and show how reliable it is.

``python -m retort.recipes.calibrate CONFIG.toml [key=value ...]`` reads files that ``retort evaluate --predictions``
wrote for part C of the held-out rows, and writes four files: ``<task>.json`` (what a model folder ships),
``<task>.report.json`` (all figures), ``<task>.txt`` and ``<task>.png`` (reliability diagrams).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from retort.config import load, option
from retort.errors import OutputError, UsageError
from retort.evaluation.calibration import Calibration, Isotonic, Temperature
from retort.evaluation.calibration_fit import FOLDS, Answered, Fit, answered, figures, fit, judged, uncalibrated
from retort.evaluation.predictions import Predictions, read
from retort.evaluation.reliability import Reliability, text_diagram
from retort.inference.calibrating import made_by
from retort.inference.loading import shown_name
from retort.inference.model_folder import ModelFolder
from retort.prompting.task import TASKS
from retort.recipes.entry import run_with_config
from retort.recipes.reliability_diagram import draw

Judged = dict[str, Reliability]


@dataclass(frozen=True)
class CalibrateConfig:
    """A calibration to fit."""

    task: str = option(help="name or alias of the task")
    model: str = option(help="embedded model or model folder that made the predictions, with its default proposers")
    predictions: tuple[Path, ...] = option(help="files of predictions on part C; all are fitted together")
    output: Path = option(help="folder that receives <task>.json, .report.json, .txt and .png")
    test: tuple[Path, ...] = option((), help="files of predictions on other rows, on which the fit is judged")
    test_rows: int | None = option(None, help="judge the first rows of each test file only")
    proposer: str | None = option(None, help="the predictions were made with --proposer; by default they were not")
    augmentations: int | None = option(None, help="the predictions were made with --augmentations")
    class_given: bool = option(False, help="the predictions were made with --reaction-class")
    folds: int = option(FOLDS, help="parts of the cross-validation")
    seed: int = option(0, help="seed of the division into parts")


def calibrate(config: CalibrateConfig) -> Path:
    """Fit, judge, and write the four files; return ``<task>.json``.

    Raises:
        UsageError: A file of predictions belongs to another task or model, or the answers of the task are numbers.
        DataError: There are too few predictions.
        ModelError: The model cannot be used, or does not know the task.
        MissingExtraError: matplotlib is not installed.
    """
    made = _Making.of(config)
    files = [made.read(path) for path in config.predictions]
    queries = [query for file in files for query in answered(file.rows, TASKS.get(made.task))]
    found = fit(queries, folds=config.folds, seed=config.seed)
    out_of_fold = judged(queries, found.confidence)
    calibration = Calibration(
        task=made.task,
        method=found.method,
        top_k=min(file.header.top_k for file in files),
        fitted_for=made.description,
        rows=len(queries),
        data_sha256=sha256(b"".join(path.read_bytes() for path in config.predictions)).hexdigest(),
        ordered=found.ordered,
        temperature=found.curve if isinstance(found.curve, Temperature) else None,
        pools=found.curve.pools if isinstance(found.curve, Isotonic) else (),
        cross_validation={"folds": config.folds, "log_loss": found.log_loss, **figures(out_of_fold)},
    )
    path = config.output / f"{made.task}.json"
    calibration.save(path)
    shown = {f"{len(queries):,} fitting rows, out of fold": (judged(queries, uncalibrated(queries)), out_of_fold)}
    for source in config.test:
        rows = answered(made.read(source).rows[: config.test_rows], TASKS.get(made.task))
        shown[f"{source.parent.name}/{source.stem}, {len(rows):,} rows"] = (
            judged(rows, uncalibrated(rows)),
            _applied(calibration, rows),
        )
    _write_reports(config.output / made.task, calibration, found, shown)
    return path


@dataclass(frozen=True, slots=True)
class _Making:
    """What made the predictions.

    Attributes:
        task: Name of the task.
        model: Name of the model.
        description: As :func:`retort.inference.calibrating.made_by` describes it.
        names: What candidates may call their proposer.
    """

    task: str
    model: str
    description: dict[str, Any]
    names: frozenset[str]

    @classmethod
    def of(cls, config: CalibrateConfig) -> "_Making":
        """Describe what a configuration says; raises ModelError and UsageError."""
        asked, folder = TASKS.get(config.task), ModelFolder.open(config.model)
        task = asked.name
        if asked.answer_kind == "value" or asked.ranked_by:
            raise UsageError(f"{task} has no exact match to be sure of.", "Numbers come with intervals instead.")
        proposers = _proposers(config, folder, task)
        made = made_by(folder, task, proposers, config.augmentations, class_given=config.class_given)
        return cls(task, folder.card.name, made, frozenset(shown_name(folder.card, name) for name in proposers))

    def read(self, path: Path) -> Predictions:
        """Read predictions; raises UsageError where they are of another task, model or proposer."""
        found = read(path)
        model = found.header.model.partition(" (")[0].partition(", class ")[0]  # as Predictor.identity has it
        for stated, expected in ((found.header.task, self.task), (model, self.model)):
            if stated != expected:
                raise UsageError(f"{str(path)!r} holds predictions of {stated}, not {expected}.")
        others = {candidate.proposer for row in found.rows for candidate in row.candidates} - self.names
        if others:
            raise UsageError(
                f"{str(path)!r} holds candidates of {', '.join(sorted(others))}; "
                f"the model is asked with {', '.join(sorted(self.names)) or 'no proposer'}.",
                "Name the model, and the proposer if one was asked alone, that made them.",
            )
        return found


def _proposers(config: CalibrateConfig, folder: ModelFolder, task: str) -> list[str]:
    """Return the proposers that made the predictions, by their names in ``model.json``."""
    entry = folder.card.tasks.get(task)
    if entry is None:
        raise UsageError(f"model {folder.card.name!r} does not know {task}.")
    if config.proposer is None:
        return list(entry.proposers)
    known = {name: folder.card.proposers[name].kind for name in (*entry.proposers, *entry.on_request)}
    return [name for name, kind in known.items() if config.proposer in (name, kind)]


def _applied(calibration: Calibration, queries: Sequence[Answered]) -> Judged:
    """Return how reliable a fitted calibration is on other queries; candidates it does not know have confidence 0."""
    found = [calibration.confidences(query.scores.tolist(), query.proposers) for query in queries]
    return judged(queries, [np.array([c or 0.0 for c in values], np.float64) for values in found])


def _write_reports(stem: Path, calibration: Calibration, found: Fit, shown: dict[str, tuple[Judged, Judged]]) -> None:
    report: dict[str, Any] = {
        "task": calibration.task,
        "method": calibration.method,
        "log_loss": found.log_loss,
        "rows": {name: {"before": figures(before), "after": figures(after)} for name, (before, after) in shown.items()},
    }
    lines = [f"{calibration.task}: {calibration.method}, {'ordered' if calibration.ordered else 'unordered'}"]
    for name, (before, after) in shown.items():
        for which, words in (("first", "first candidates"), ("all", "all candidates")):
            lines += [
                "",
                f"{name}, {words}",
                f"  exp(score): {_line(before[which])}",
                f"  confidence: {_line(after[which])}",
            ]
        lines += ["", *text_diagram(after["first"])]
    try:
        stem.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        stem.with_suffix(".txt").write_text("\n".join(lines) + "\n", "utf-8")
        draw(stem.with_suffix(".png"), calibration.task.replace("_", " "), shown)
    except OSError as error:
        raise OutputError(f"cannot write {str(stem)!r}: {error.strerror}.") from error


def _line(found: Reliability) -> str:
    return (
        f"n {found.n:,}, right {found.accuracy:.3f}, ECE {found.error:.4f} (by chance {found.chance:.4f}), "
        f"Brier {found.brier:.4f}, log-loss {found.log_loss:.4f}"
    )


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return calibrate(load(CalibrateConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
