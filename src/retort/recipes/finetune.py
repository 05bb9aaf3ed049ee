"""Fine-tune a model on a user's own reactions: audit, clean, split, train, choose, calibrate, compare, one folder.

Every step is a recipe of a programme below ``OUTPUT.work``: a run that was cut off goes on with the same command, and
what changed is done again. The fine-tuned language model answers the one task it was tuned for; all other tasks keep
the one they had, with their re-rankers and confidences (docs/decisions/0021-own-reactions.md).
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from retort.config import as_dict, build, option
from retort.data.collate import PreparedFolder
from retort.data.prepare import read_manifest
from retort.data.shards import WorkFolder, whole
from retort.data.source import checksums, source_of_file
from retort.data.splits import TEST, TRAIN, VALID_PARTS, HoldOut
from retort.errors import ConfigError, DataError, MissingExtraError, UsageError
from retort.evaluation import predictions as files
from retort.evaluation.calibration_fit import LEAST, answered
from retort.inference.model_folder import CARD, DEFAULT_MODEL, ModelFolder
from retort.inference.queries import read_columns
from retort.models.checkpoint import weights_sha256
from retort.prompting.task import TASKS, Task
from retort.recipes.extend import ExtendConfig, extend
from retort.recipes.finetune_report import Change, changes, markdown, seen_by, table
from retort.recipes.finetune_rows import COLUMN, rows_file, start_weights, time_edges
from retort.recipes.finetune_steps import Steps
from retort.recipes.finetune_team import Team, card_of, team_of

Say = Callable[[str], None]
SplitChoice = Literal["product", "random", "scaffold", "time", "published"]
CHOICE, CONFIDENCE = VALID_PARTS[0], VALID_PARTS[2]


@dataclass(frozen=True)
class FinetuneConfig:
    """What is fine-tuned, on what."""

    file: Path = option(
        help="Reactions: CSV, Parquet, JSON Lines, reaction SMILES, RXN, RDF, ORD, or a folder of them."
    )
    task: str = option(help="Name or alias of a task whose answers are molecules.")
    output: Path = option(help="Model folder to write; OUTPUT.work beside it holds data, weights and predictions.")
    model: str = option(DEFAULT_MODEL, help="Embedded model or model folder to begin with.")
    start_from: Path | None = option(None, help="Checkpoint to start from; checkpoints/MODEL by default.")
    column: str = option(COLUMN, help="Column of the reaction SMILES in a table.")
    split: SplitChoice = option("product", help="How rows are held out: by product, row, ring system, year, or column.")
    hold_out: HoldOut = field(
        default_factory=lambda: HoldOut(valid=0.15, test=0.1), metadata={"help": "Shares that are held out."}
    )
    epochs: float = option(3.0, help="Passes over the train rows, unless `minutes` end it before.")
    minutes: float = option(5.0, help="Most minutes of training; the learning rate falls to zero by then.")
    learning_rate: float | None = option(None, help="Peak; 2e-4, or 1e-3 of adapters, by default.")
    lora_rank: int = option(0, help="Train low-rank adapters of this rank; 0 trains all weights.")
    replay: Path | None = option(None, help="Prepared folder of the earlier training, to mix in against forgetting.")
    replay_share: float = option(0.5, help="Earlier rows, as a multiple of the train rows.")
    also: tuple[Path, ...] = option((), help="Tables (input, target) of other rows, on which forgetting is measured.")
    rows: int = option(200, help="Most rows that are answered for each choice, fit and comparison.")
    copies: int = option(4, help="Spellings of each train row.")
    threads: int = option(1, help="CPU threads of training.")
    seed: int = option(20, help="Seed of everything.")

    def __post_init__(self) -> None:
        for name in ("epochs", "minutes", "rows", "copies"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}.", "Give a number above zero.")


@dataclass(frozen=True)
class Finetuned:
    """The outcome.

    Attributes:
        folder: The model folder.
        changes: Before and after, by kind of rows; the file's own test rows first.
        facts: Rows, choices and confidence, as plain values.
        notes: What a reader must know beside the figures.
    """

    folder: Path
    changes: tuple[Change, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, the contract of ``--format json``."""
        found = [change.as_dict() for change in self.changes]
        return {"model": str(self.folder), "changes": found, **self.facts, "notes": list(self.notes)}


def finetune(config: FinetuneConfig, say: Say = print) -> Finetuned:
    """Go the whole way.

    Raises:
        UsageError: The task cannot be fine-tuned, or there are no weights to start from.
        InputFileError: The file cannot be read or lacks the column.
        DataError: Too few rows are left to learn from, or to hold out.
        UnfinishedError: It was asked to end; the same call goes on.
        MissingExtraError: torch and its companions are not installed.
    """
    task = _task(config.task)
    team = team_of(ModelFolder.open(config.model), task.name)
    _check_files(config)
    start = start_weights(config.start_from, config.model)
    steps = Steps(_opened(config, start), config.rows, config.seed, say)
    prepared = _prepared(config, task, start, steps)
    tuned = _tuned(config, prepared, start, steps)
    draft = _draft(config, task, team, prepared, tuned, steps)
    team = team.chosen(*_choice(task, team, prepared, draft, steps))
    fitted = _fitted(task, team, prepared, draft, steps)
    compared, notes = _compared(config, task, team, prepared, draft, steps)
    facts = _facts(prepared, team, fitted, steps)
    notes = (*notes, *team.notes(), *(() if fitted else (_NO_CONFIDENCE,)))
    _write_model(config, task, team, draft, fitted, steps, compared, notes)
    done = Finetuned(config.output, compared, facts, notes)
    text = json.dumps(done.as_dict(), indent=1, allow_nan=False)
    whole(steps.folder / "report.json", lambda part: part.write_text(text + "\n", "utf-8"))
    shutil.rmtree(steps.folder / "tuned" / "last", ignore_errors=True)  # a finished training goes on from best/
    return done


_NO_CONFIDENCE = f"No confidence is given: fewer than {LEAST} held-out rows were left to fit it on, or none was right."


def _task(name: str) -> Task:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("fine-tuning", "train") from error
    task = TASKS.get(name)
    if task.answer_kind != "smiles":
        raise UsageError(
            f"the answers of {task.name} are no molecules, and no language model gives them here.",
            "Train boosted trees or a value network: docs/how-to/classes-and-yields.md.",
        )
    return task


def _check_files(config: FinetuneConfig) -> None:
    """Refuse at once what would fail later: a file of no known kind, other rows or earlier rows that cannot be read."""
    source_of_file(config.file)
    for path in config.also:
        read_columns(path, ("input", "target"))
    if config.replay is not None:
        PreparedFolder.open(config.replay).split(TRAIN)


def _opened(config: FinetuneConfig, start: Path) -> Path:
    """Open the folder of intermediate results; what other files or weights left there is removed."""
    output = config.output
    if output.exists() and not (output / CARD).is_file():
        raise ConfigError(f"{str(output)!r} exists and is not a model folder.", "Choose another --output.")
    place = output.with_name(f"{output.name}.work")
    if place.exists() and not (place / "configuration.json").is_file():
        raise ConfigError(f"{str(place)!r} exists and belongs to no fine-tuning.", "Choose another --output.")
    read = {str(path): checksums(path) for path in (config.file, *config.also)}
    origin = {"read": read, "start": weights_sha256(start), "model": ModelFolder.open(config.model).fingerprint}
    return WorkFolder.open(place, origin)[0].path


def _prepared(config: FinetuneConfig, task: Task, start: Path, steps: Steps) -> Path:
    """Clean and cut the file; every part that is needed has rows.

    Raises:
        DataError: No row asks the task, or no row was held out.
    """
    source, file = rows_file(config.file, config.column, steps.folder)
    edges = {"time_edges": time_edges(source, file, config.hold_out)} if config.split == "time" else {}
    values = {
        "sources": [{"name": source.name, "path": file, "split": config.split, **edges}],
        "tasks": [task.name],
        "vocabulary": start / "vocabulary.json",
        "hold_out": as_dict(config.hold_out),
        "spelling": {"copies": config.copies},
        "aligner": "correspondence",
        "seed": config.seed,
    }
    prepared = steps.run("prepared", "prepare", values)
    manifest = read_manifest(prepared)
    if not manifest["splits"][TRAIN]["rows"]:
        raise DataError(f"no row of {str(config.file)!r} asks and answers {task.name}.", _counted(manifest))
    for part in (CHOICE, TEST):
        if not _table(prepared, part, task).is_file():
            raise DataError(
                f"no row of {str(config.file)!r} falls into {part}: {_counted(manifest)}.",
                "Give more rows, or hold out a larger share.",
            )
    steps.run("audit", "audit", {"folder": prepared, "benchmarks": False})
    return prepared


def _counted(manifest: Mapping[str, Any]) -> str:
    counts = {**manifest["counts"]["records"], **manifest["counts"]["rejected"]}
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())


def _table(prepared: Path, part: str, task: Task) -> Path:
    """Return the held-out questions of a part; the file is not there where the part has none."""
    source = read_manifest(prepared)["sources"][0]
    return prepared / "examples" / part / f"{source}.{task.name}.csv"


def _tuned(config: FinetuneConfig, prepared: Path, start: Path, steps: Steps) -> Path:
    """Train; return the checkpoint with the lowest loss on the rows of part A."""
    data = prepared
    if config.replay is not None:
        share = {"share": config.replay_share, "seed": config.seed}
        data = steps.run("mixed", "replay", {"prepared": prepared, "earlier": config.replay, **share})
    lora = {"lora": {"rank": config.lora_rank, "alpha": 2.0 * config.lora_rank}} if config.lora_rank else {}
    values = {"prepared": data, "start_from": start, "training": _training(config, data), **lora}
    return steps.run("tuned", "train", values).with_name("best")


def _training(config: FinetuneConfig, data: Path) -> dict[str, Any]:
    """Return the settings of the loop: so many passes, a short rise, then a fall of the rate to zero."""
    from retort.models.device import has_fast_bf16

    sources, targets = PreparedFolder.open(data).split(TRAIN).lengths()
    tokens = max(1, round(config.epochs * int(sources.sum() + targets.sum())))
    return {
        "total_tokens": tokens,
        "budget_minutes": config.minutes,
        "tokens_per_batch": 2048,
        "max_source_length": 512,
        "max_target_length": 512,
        "peak_learning_rate": config.learning_rate or (1e-3 if config.lora_rank else 2e-4),
        "query_rate": 0.125,
        "warmup_tokens": max(1, tokens // 20),
        "decay_fraction": 0.9,
        "ema_decay": 0.9,
        "evaluate_tokens": -(-tokens // 3),
        "precision": "bf16" if has_fast_bf16() else "auto",
        "checkpoint_minutes": 2.0,
        "threads": config.threads,
        "seed": config.seed,
    }


def _draft(config: FinetuneConfig, task: Task, team: Team, prepared: Path, tuned: Path, steps: Steps) -> Path:
    """Put the fine-tuned language model into a copy of the model, beside the other proposers of the task."""
    exported = steps.run("exported", "export", {"checkpoint": tuned})
    seen = team.write_seen(steps.folder / "seen.npy", task, prepared)
    values = {
        "model": config.model,
        "name": config.output.name,
        "release": team.release,
        "proposers": team.proposers(exported),
        "tasks": {task.name: team.task(seen)},
    }
    return steps.run("draft", "extend", values)


def _choice(task: Task, team: Team, prepared: Path, draft: Path, steps: Steps) -> tuple[float, float]:
    """Return the top-1 of the whole team and of the language model alone, on the rows of part A."""
    if team.alone:
        return 0.0, 0.0
    rows, found = _table(prepared, CHOICE, task), list[float]()
    for name, proposer in (("choice_team", None), ("choice_alone", team.language_model)):
        folder = steps.answers(name, task.name, rows, str(draft), proposer)
        found.append(json.loads((folder / "report.json").read_text("utf-8"))["metrics"]["exact_match@1"])
    return found[0], found[1]


def _fitted(task: Task, team: Team, prepared: Path, draft: Path, steps: Steps) -> Path | None:
    """Fit the confidence on the rows of part C; None where there are too few."""
    rows = _table(prepared, CONFIDENCE, task)
    if not rows.is_file():
        return None
    asked = {} if team.asked is None else {"proposer": team.asked}
    told = steps.answers("confidence_rows", task.name, rows, str(draft), team.asked) / "predictions.jsonl"
    queries = answered(files.read(told).rows, task)
    if len(queries) < LEAST or not any(query.right.any() for query in queries):
        return None
    return steps.run("confidence", "calibrate", {"task": task.name, "model": draft, "predictions": [told], **asked})


def _compared(
    config: FinetuneConfig, task: Task, team: Team, prepared: Path, draft: Path, steps: Steps
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Answer the test rows and all other rows by both models; return the changes, and what to know of the rows."""
    others = [(path.stem, path) for path in config.also]
    found, notes = list[Change](), list[str]()
    for place, (label, rows) in enumerate([("own test rows", _table(prepared, TEST, task)), *others]):
        before = steps.answers(f"before_{place}", task.name, rows, config.model)
        after = steps.answers(f"after_{place}", task.name, rows, str(draft), team.asked)
        seen = seen_by(config.model, task.name, before)
        if any(seen):
            notes.append(
                f"{label}: {sum(map(bool, seen))} of {len(seen)} questions are in the start model's training data."
            )
        found += changes(label, before, after, seen)
    return tuple(found), tuple(notes)


def _facts(prepared: Path, team: Team, fitted: Path | None, steps: Steps) -> dict[str, Any]:
    manifest = read_manifest(prepared)
    audit = json.loads((steps.folder / "audit" / "audit.json").read_text("utf-8"))
    confidence = None if fitted is None else json.loads(fitted.with_suffix(".report.json").read_text("utf-8"))
    return {
        "rows": {key: manifest["counts"][key] for key in ("read", "records", "rejected", "leak_rule")},
        "audit": audit,
        "answers": team.as_dict(),
        "confidence": confidence,
    }


def _write_model(
    config: FinetuneConfig,
    task: Task,
    team: Team,
    draft: Path,
    fitted: Path | None,
    steps: Steps,
    compared: tuple[Change, ...],
    notes: tuple[str, ...],
) -> None:
    """Write the model folder: the draft with the chosen team, its confidence and its card."""
    figures = [
        {"label": f"{task.name}, {change.label}", "report": change.report}
        for change in compared
        if change.report is not None
    ]
    about = "\n\n".join([markdown(table(compared)), *notes])
    weights = json.loads((steps.folder / "exported" / CARD).read_text("utf-8"))["provenance"]
    values = {
        "model": str(draft),
        "output": config.output,
        "release": team.release,
        "proposers": {},
        "tasks": {task.name: team.task(steps.folder / "seen.npy", fitted)},
        "provenance": {"finetuned": {"task": task.name, "from": f"{team.base} {team.release}", **weights}},
        "card": card_of(config.model, task.name, config.file.name, figures, fitted, config.output.name, about),
    }
    extend(build(ExtendConfig, values, "the fine-tuned model"), steps.say)
