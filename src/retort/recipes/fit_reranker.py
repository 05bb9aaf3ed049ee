"""Fit the re-ranker of one task: candidates of held-out rows -> columns -> weights -> ``<task>.npz``.

``python -m retort.recipes.fit_reranker CONFIG.toml [key=value ...]`` fits on part B of the held-out rows and compares
on part A, paired row by row: the merged ranking as it is, then with one group of columns more after another. The test
rows are never read. Columns are kept in ``<output>/cases``, so that an interrupted run goes on, another penalty costs
seconds, and another language model costs its own columns only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from retort.config import as_dict, load, option
from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.errors import ConfigError, OutputError, did_you_mean
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.scoring import compare, score
from retort.inference.model_folder import ModelFolder
from retort.inference.reranking.evidence import reaction
from retort.inference.reranking.fitting import Case, Fit, Ordering, fit, mean_loss
from retort.inference.reranking.knowledge import Knowledge
from retort.inference.reranking.reranker import Reranker, RerankerMeta
from retort.inference.reranking.trees import Trees, grow
from retort.models.trees import Growth
from retort.prompting.task import TASKS, Question, Task
from retort.recipes.entry import run_with_config
from retort.recipes.reranker_cases import Evidence, Judged, Parts, Row, Say

FIT, CHOICE = "valid_b", "valid_a"
TOP_K = 10
GROUPS = ("shape", "train", "opposite", "likelihood")
_PLACES = ("prepared", "model", "output", "language_model")  # paths of one machine, which no file keeps


@dataclass(frozen=True)
class FitRerankerConfig:
    """A re-ranker to fit."""

    task: str = option(help="name or alias of the task")
    prepared: Path = option(help="prepared folder; its held-out rows are read by part")
    model: str = option(help="embedded model or model folder; its default proposers of the task are re-ranked")
    output: Path = option(help="folder that receives <task>.npz, <task>.metrics.json and the kept columns")
    sources: tuple[str, ...] = option((), help="sources of held-out and of counted training rows; all when empty")
    scorer: str | None = option(None, help="proposer of the model that scores candidates: its language model")
    language_model: Path | None = option(None, help="exported model folder whose language model takes its place")
    judge: str | None = option(None, help="template ranker of the opposite direction, by its name in the model")
    groups: tuple[str, ...] = option(GROUPS, help="groups of columns to weigh, besides the proposers' own")
    pool: int = option(15, help="how many of the merged candidates are ordered anew")
    rows: int | None = option(None, help="the first rows of each part only; all of them by default")
    form: Literal["linear", "trees"] = option("linear", help="a weighted sum of columns, or boosted trees over them")
    penalties: tuple[float, ...] = option((0.001, 0.01, 0.1), help="L2 penalties of a sum to choose from, on part A")
    growth: Growth = option(help="how trees are grown", factory=Growth)
    scales: tuple[float, ...] = option(
        (0.5, 1.0, 1.5, 2.0, 3.0, 4.0), help="factors of the trees' scores to choose from, on part A"
    )
    minimum: int = option(2, help="how often a change must occur in the training rows to be counted")


def fit_reranker(config: FitRerankerConfig, say: Say = print) -> Path:
    """Fit, compare, and write; return the path of ``<task>.npz``.

    Raises:
        ConfigError: A group of columns lacks the proposer that it comes from.
        DataError: No held-out row can be used.
        ModelError: The model cannot be used, or lacks a named proposer.
        OutputError: The files cannot be written.
    """
    _check(config)
    task = TASKS.get(config.task)
    records = [r for r in read_records(config.prepared / "records.parquet") if fits(task, r)]
    records = [r for r in records if not config.sources or r.source in config.sources]
    rows = (_row(task, record) for record in records if record.split == TRAIN)
    triples = ((*reaction(row.question, row.target), row.target) for row in rows)
    knowledge = Knowledge.of(triples, minimum=config.minimum)
    digest = sha256((config.prepared / "records.parquet").read_bytes()).hexdigest()
    parts = Parts(task.name, config.scorer, config.language_model, config.judge, config.pool)
    asked = Evidence.of(ModelFolder.open(config.model), parts, knowledge, digest, config.output / "cases")
    held = {
        part: asked.judged([_row(task, r) for r in records if r.split == part][: config.rows], say)
        for part in (FIT, CHOICE)
    }
    arms = {_name(groups): _arm(config, groups, held) for groups in _choices(config)}
    for name, arm in arms.items():
        say(f"{name}: {json.dumps(arm.figures)}")
    chosen = arms[_name(config.groups)]
    meta = RerankerMeta(
        task=task.name,
        columns=tuple(chosen.columns),
        proposers=asked.sources.proposers,
        scorer=config.scorer if _uses(chosen.columns, "likelihood") else None,
        judge=config.judge if _uses(chosen.columns, "opposite") else None,
        pool=config.pool,
        data_sha256=digest,
        weights_sha256=asked.weights,
        fitting={"config": _settings(config), "setting": chosen.setting, "rows": len(held[FIT])},
    )
    counts = knowledge if _uses(chosen.columns, "train") else None
    path = config.output / f"{task.name}.npz"
    Reranker(meta, chosen.fit, counts).save(path)
    _write(config.output / f"{task.name}.metrics.json", {name: arm.figures for name, arm in arms.items()})
    return path


@dataclass(frozen=True, slots=True)
class Arm:
    """One choice of columns, fitted on part B and judged on part A."""

    columns: Sequence[str]
    setting: float
    fit: Ordering
    figures: Mapping[str, Any]


def _settings(config: FitRerankerConfig) -> dict[str, Any]:
    return {key: value for key, value in as_dict(config).items() if key not in _PLACES}


def _check(config: FitRerankerConfig) -> None:
    needs = {"likelihood": ("scorer", config.scorer), "opposite": ("judge", config.judge)}
    for group in config.groups:
        if group not in GROUPS:
            raise ConfigError(f"there is no group of columns {group!r}.", did_you_mean(group, GROUPS))
        key, given = needs.get(group, ("", "given"))
        if given is None:
            raise ConfigError(f"the columns {group!r} need the key {key!r}.", "Name a proposer of the model.")
    if config.language_model is not None and config.scorer is None:
        raise ConfigError("language_model takes the place of the scorer, and none is named.", "Give the key 'scorer'.")


def _row(task: Task, record: Record) -> Row:
    """Return the canonical question; precursors of forward prediction stand mixed, as in evaluation."""
    given = task.given(record.reaction)
    if task.name == "forward_prediction":
        given = ".".join(sorted(record.reaction.precursors))
    return Row(Question(task.name, given), task.wanted(record.reaction))


def _choices(config: FitRerankerConfig) -> list[tuple[str, ...]]:
    """Return what is compared: no further columns, each group alone, all but one, and all."""
    groups = config.groups
    single = [(group,) for group in groups]
    without = [tuple(g for g in groups if g != left) for left in groups]
    return list(dict.fromkeys([(), *single, *without, groups]))


def _name(groups: Sequence[str]) -> str:
    return " + ".join(("proposers", *groups))


def _arm(config: FitRerankerConfig, groups: Sequence[str], held: Mapping[str, Sequence[Judged]]) -> Arm:
    """Fit one choice of columns with every setting; the likelier on part A is kept."""
    names = next((judged.columns for judged in held[FIT] if judged.candidates), ())
    further = [column for column in names if column.partition(".")[0] in GROUPS]
    columns = [column for column in names if column not in further or column.partition(".")[0] in groups]
    cases = {part: [one.case(columns) for one in judged if one.candidates] for part, judged in held.items()}
    fits = _fits(config, cases[FIT])
    losses = {setting: mean_loss(cases[CHOICE], found) for setting, found in fits.items()}
    setting = min(losses, key=losses.__getitem__)
    chosen = fits[setting]
    before = _predictions(held[CHOICE], lambda judged: np.arange(len(judged.candidates)))
    after = _predictions(held[CHOICE], lambda judged: chosen.order(judged.case(columns).values))
    figures = _figures(before, after) | {"log_loss": losses[setting], "setting": setting}
    return Arm(columns, setting, chosen, figures | _weighed(chosen, columns))


def _fits(config: FitRerankerConfig, cases: Sequence[Case]) -> Mapping[float, Ordering]:
    """Return what each setting gives: a penalty for a sum, a factor for trees, which are grown once."""
    if config.form == "linear":
        return {penalty: fit(cases, penalty) for penalty in config.penalties}
    grown = grow(cases, config.growth)
    return {scale: grown.scaled(scale) for scale in config.scales}


def _weighed(chosen: Ordering, columns: Sequence[str]) -> dict[str, Any]:
    """Return the weights of columns, or how many nodes look at each."""
    if isinstance(chosen, Fit):
        return {"weights": dict(zip(columns, np.round(chosen.weights, 4).tolist(), strict=True))}
    assert isinstance(chosen, Trees)
    counts = np.bincount(chosen.forest.feature[chosen.forest.feature >= 0], minlength=len(columns))
    return {"nodes": dict(zip(columns, counts.tolist(), strict=True))}


def _figures(before: Predictions, after: Predictions) -> dict[str, Any]:
    """Return ``exact_match@k`` before and after as ``[mean, lower, upper]``, and the paired difference."""
    reports = {"before": score(before, TOP_K), "after": score(after, TOP_K)}
    differences = compare(before, after, TOP_K)
    names = [name for name in differences if name.startswith("exact_match@")]
    figures: dict[str, Any] = {
        which: {name: [report.metrics[name], *report.intervals[name]] for name in names}
        for which, report in reports.items()
    }
    shown = {name: [differences[name].difference, *differences[name].interval] for name in names}
    return {"n": len(before.rows), **figures, "difference": shown}


def _predictions(rows: Sequence[Judged], order: Callable[[Judged], Any]) -> Predictions:
    """Return the candidates of every row in an order; a row without candidates stays and counts as wrong."""
    found = []
    for index, judged in enumerate(rows):
        ranked = [judged.candidates[i] for i in order(judged)] if judged.candidates else []
        candidates = tuple(Candidate(p.smiles, p.score, p.proposer) for p in ranked[:TOP_K])
        query, target = judged.row.question.given, judged.row.target
        found.append(Prediction(index, query, target, "ok" if candidates else "no_answer", "", candidates))
    task = rows[0].row.question.task if rows else ""
    return Predictions(Header(task, "re-ranker", TOP_K), tuple(found))


def _uses(columns: Sequence[str], group: str) -> bool:
    return any(column.startswith(f"{group}.") for column in columns)


def _write(path: Path, figures: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def fit_from_file(path: Path, overrides: Sequence[str]) -> Path:
    """Fit what a configuration file says; see :func:`fit_reranker`."""
    return fit_reranker(load(FitRerankerConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(fit_from_file))
