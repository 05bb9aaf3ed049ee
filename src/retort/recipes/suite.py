"""Run a suite of benchmarks: rows, baselines, models and other programs' predictions, all asked and scored alike.

``retort benchmark SUITE --model A --model B``. Every answer is kept and nothing is asked twice, so the same command
goes on after an interruption. What cannot be asked stays in the report with its reason. Other entries of a part are
compared with the first model, or the first file, row by row. ``report.json`` holds every figure; ``report.md`` and
``report.html`` show them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retort import __version__
from retort.errors import DataError, MissingExtraError, OutputError, RetortError, UsageError
from retort.evaluation import predictions as files
from retort.evaluation.comparison import differences
from retort.evaluation.reports import report
from retort.evaluation.suite import Part, suite_named
from retort.inference.predictor import Predictor
from retort.inference.queries import read_columns
from retort.prompting.candidates import WHOLE_LIST
from retort.prompting.task import TASKS
from retort.recipes.benchmark_results import commit, rounded
from retort.recipes.evaluate import EvaluateRequest, evaluate
from retort.recipes.foreign_predictions import read_foreign
from retort.recipes.suite_rows import WORDS, PartRows, rows_of

Say = Callable[[str], None]
Entry = dict[str, Any]
TOP_K = 10
NOT_RUN, SCORED = "not run", "scored"


@dataclass(frozen=True)
class SuiteRequest:
    """What is asked of whom.

    Attributes:
        suite: Name of a suite, or ``all``.
        models: Embedded models or model folders; the first is what the others are compared with.
        predictions: Files of other programs' predictions.
        limit: Most test rows of a part, a seeded sample; all where it is None.
        output: Folder of rows, predictions and reports.
        seed: Of the sample and of the intervals.
    """

    suite: str
    models: tuple[str, ...] = ("retort-base",)
    predictions: tuple[Path, ...] = ()
    limit: int | None = None
    output: Path | None = None
    seed: int = 0

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        sample = "" if self.limit is None else f"_{self.limit}"
        return self.output or Path("runs") / "benchmark" / f"{self.suite}{sample}"


@dataclass(frozen=True)
class _Asked:
    """One part and where its answers go."""

    part: Part
    rows: PartRows
    seed: int
    folder: Path

    @property
    def top_k(self) -> int:
        """Answers that are asked for."""
        return WHOLE_LIST if TASKS.get(self.part.task).ranked_by else TOP_K

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Query and target of every row."""
        return [(query, target) for query, target in read_columns(self.rows.table, ("input", "target"))]


def run_suite(request: SuiteRequest, say: Say = print) -> dict[str, Any]:
    """Ask, score and compare; write the reports after every part and return what ``report.json`` holds.

    Raises:
        UnknownNameError: There is no such suite.
        UsageError: A model or file is named twice, or the limit is below 1.
        ModelError: A model cannot be opened.
        InputFileError: A file of predictions cannot be read.
        OutputError: Something cannot be written.
    """
    from retort.recipes.suite_page import write_page
    from retort.recipes.suite_table import markdown

    suite, folder = suite_named(request.suite), request.folder
    _check(request)
    models = {name: Predictor.load(name) for name in request.models}
    head = {
        "suite": suite.name,
        "summary": suite.summary,
        "retort": __version__,
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "seed": request.seed,
        "limit": request.limit,
        "models": {name: {"name": model.model, "sha256": model.fingerprint} for name, model in models.items()},
        "predictions": [str(path) for path in request.predictions],
    }
    parts: list[Entry] = []
    for place, part in enumerate(suite.parts, 1):

        def told(text: str, name: str = f"{place}/{len(suite.parts)} {part.name}") -> None:
            say(f"{name}: {text}")

        parts.append(_part(part, request, models, told))
        found = {**head, "parts": parts}
        _write(folder / "report.json", json.dumps(rounded(found), indent=1, allow_nan=False) + "\n")
        _write(folder / "report.md", "\n".join(markdown(found)) + "\n")
    write_page(found, folder / "report.html", say)
    return found


def _check(request: SuiteRequest) -> None:
    names = [*request.models, *(path.name for path in request.predictions)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name!r} is named twice.")
    if request.limit is not None and request.limit < 1:
        raise UsageError(f"a limit of {request.limit} leaves no row.")
    if not names:
        raise UsageError("there is nothing to score.", "Name a model or a file of predictions.")


def _part(part: Part, request: SuiteRequest, models: Mapping[str, Predictor], say: Say) -> Entry:
    """Return everything that is said of one part."""
    about: Entry = {
        "name": part.name,
        "task": part.task,
        "source": ", ".join(part.sources),
        "shown": list(part.shown),
        "note": part.note,
        "anchors": [asdict(anchor) for anchor in part.anchors],
        "entries": [],
    }
    folder = request.folder / _slug(part.name)
    try:
        rows = rows_of(part, folder / "rows", request.limit, request.seed, say)
    except (DataError, MissingExtraError) as error:
        say(f"not run: {error}")
        return {**about, "status": NOT_RUN, "reason": str(error)}
    asked = _Asked(part, rows, request.seed, folder)
    about |= {"status": SCORED, "reason": "", "n": rows.n, "all": rows.all, "train": rows.train}
    about |= {"dropped": rows.dropped, "asked_before": rows.asked_before}
    entries, answers = [], {}
    for who, found in _answered(asked, request, models, say):
        entries.append(found)
        if "predictions" in found:
            answers[who] = found.pop("predictions")
    wanted = (*models, *(path.name for path in request.predictions), *part.baselines)
    first = next((who for who in wanted if who in answers), "")
    for entry in entries:
        entry.update(_scored(asked, entry, answers, first, models.get(entry["who"])))
    return {**about, "first": first, "entries": entries}


def _answered(
    asked: _Asked, request: SuiteRequest, models: Mapping[str, Predictor], say: Say
) -> "Sequence[tuple[str, Entry]]":
    """Return who was asked, with the predictions or the reason why there are none."""
    entries: list[tuple[str, Entry]] = []
    for name, model in models.items():
        why = model.declines(asked.part.task)
        entry: Entry = {"who": name, "kind": "model", "about": model.identity}
        entries.append((name, entry | ({"status": NOT_RUN, "reason": why} if why else _ask(asked, model, name, say))))
    for kind in asked.part.baselines:
        entry = {"who": kind, "kind": "baseline", "about": WORDS[kind]}
        if kind in asked.rows.missing:
            entries.append((kind, entry | {"status": NOT_RUN, "reason": asked.rows.missing[kind]}))
            continue
        baseline = Predictor.load(str(asked.rows.baseline(kind)))
        entries.append((kind, entry | _ask(asked, baseline, kind, say)))
    for path in request.predictions:
        entry = {"who": path.name, "kind": "predictions", "about": str(path)}
        entries.append((path.name, entry | _read(asked, path)))
    return entries


def _ask(asked: _Asked, model: Predictor, name: str, say: Say) -> Entry:
    """Ask a model every row; what it said before is kept as long as its weights are the same."""
    path = asked.folder / "predictions" / f"{_slug(name)}.{model.fingerprint[:12]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = [-1]

    def progress(done: int, of: int) -> None:
        share = 10 * done // of
        if share != said[0]:
            said[0] = share
            say(f"{name}: {done:,} of {of:,} rows")

    request = EvaluateRequest(asked.part.task, asked.rows.table, top_k=asked.top_k, predictions=path)
    try:
        evaluate(model, request, progress)
    except RetortError as error:
        say(f"{name}: not run: {error}")
        return {"status": NOT_RUN, "reason": str(error)}
    return {"status": SCORED, "reason": "", "predictions": files.read(path)}


def _read(asked: _Asked, path: Path) -> Entry:
    """Lay a file of predictions beside the rows."""
    task, pairs = TASKS.get(asked.part.task), asked.pairs
    found = read_foreign(path, task)
    covered = 0 if found is None else found.covered(task, pairs)
    if found is None or not covered:
        return {"status": NOT_RUN, "reason": f"{path.name} answers none of these rows"}
    about = f"{covered:,} of {len(pairs):,} rows are answered; {found.unreadable:,} of its queries cannot be read"
    return {"status": SCORED, "reason": "", "remark": about, "predictions": found.beside(task, pairs)}


def _scored(
    asked: _Asked, entry: Entry, answers: Mapping[str, files.Predictions], first: str, model: Predictor | None
) -> Entry:
    """Return the figures of one entry, those of the rows that it had not seen, and what it gains over the first."""
    if entry["status"] != SCORED:
        return {}
    predictions = answers[entry["who"]]
    top_k = min(asked.top_k, predictions.header.top_k)
    found = {"report": report(predictions, top_k, seed=asked.seed).as_dict()}
    if model is not None:
        found |= _unseen(asked, predictions, top_k, model)
    if entry["who"] != first:
        both = min(top_k, answers[first].header.top_k)
        gains = differences(answers[first], predictions, both, seed=asked.seed)
        found["gains"] = {
            name: {"difference": gain.difference, "interval": list(gain.interval)} for name, gain in gains.items()
        }
    return found


def _unseen(asked: _Asked, predictions: files.Predictions, top_k: int, model: Predictor) -> Entry:
    """Return how many rows a model was trained on, and its figures on the others; nothing where it does not tell."""
    known = [model.was_trained_on(asked.part.task, row.query) for row in predictions.rows]
    if None in known:
        return {}
    kept = [row for row, seen in zip(predictions.rows, known, strict=True) if not seen]
    seen = len(known) - len(kept)
    if not seen or not kept:
        return {"seen": seen}
    rows = tuple(replace(row, index=i) for i, row in enumerate(kept))
    others = report(files.Predictions(predictions.header, rows), top_k, seed=asked.seed)
    return {"seen": seen, "unseen": others.as_dict()}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
