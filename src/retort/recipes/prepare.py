"""Prepare data: read -> clean -> part -> leak rule -> spell -> token arrays."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from retort.config import as_dict, option
from retort.data import prepare as folders
from retort.data.clean import Clean, clean, unfit_for_training
from retort.data.examples import Spelling, canonical_example, fits, spelled_examples, tasks_named
from retort.data.leakage import LeakReport, apply_leak_rule
from retort.data.records import RawRow, Record, Rejection
from retort.data.source import SOURCES, Source
from retort.data.splits import TRAIN, HoldOut, held_out_part, published_part
from retort.errors import ConfigError, DataError
from retort.prompting.task import Task
from retort.prompting.vocabulary import Vocabulary

A = TypeVar("A")
B = TypeVar("B")
_CHUNK = 500


@dataclass(frozen=True)
class SourceChoice:
    """One source of a prepared folder."""

    name: str = option(help="a name of `retort list sources`")
    path: Path | None = option(None, help="the file, for sources that read the user's own")
    fraction: float = option(1.0, help="share of the rows to read, drawn with the seed")
    train_only: bool = option(False, help="rows that fall into a held-out part are dropped instead of evaluated")


@dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, from what, to where."""

    output: Path = option(help="folder to write")
    sources: tuple[SourceChoice, ...] = option(help="the data sets, in order; duplicates keep the first")
    tasks: tuple[str, ...] = option(("forward_prediction", "retrosynthesis", "reagent_prediction"), help="task names")
    vocabulary: Path | None = option(None, help="reuse this vocabulary, to continue a model's training")
    max_tokens: int = option(250, help="train rows with a longer side are rejected")
    valid_rows: int = option(3000, help="rows of valid part A that training watches, at most")
    seed: int = option(20, help="seed of spellings, fractions and the watched sample")
    workers: int = option(1, help="processes")
    spelling: Spelling = field(default_factory=Spelling, metadata={"help": "how training copies are spelled"})
    hold_out: HoldOut = field(default_factory=HoldOut, metadata={"help": "held-out shares of unsplit sources"})


def prepare(config: PrepareConfig, say: Callable[[str], None] = print) -> Path:
    """Build a prepared folder; the manifest is written last and marks it finished.

    Raises:
        DataError: A source is not to be found, or nothing is left to train on.
        ConfigError: The output folder holds a finished preparation already.
    """
    if (config.output / "manifest.json").exists():
        raise ConfigError(f"{str(config.output)!r} is prepared already.", "Choose another output, or delete it.")
    rows, rejections, benchmarks = _clean_sources(config, say)
    rows, set_aside = _drop_train_only(rows, config)
    rows, unfit = _fit_for_training(rows, config)
    kept, leaks, report = apply_leak_rule(rows, benchmarks)
    rejections += set_aside + unfit + [_reject(row.record, f"leak: {reason}") for row, reason in leaks]
    records = [row.record for row in kept]
    train = [record for record in records if record.split == TRAIN]
    if not train:
        raise DataError("no row is left to train on.", f"See why: {dict(_reasons(rejections))}.")
    say(f"{len(train):,} train and {len(records) - len(train):,} held-out reactions; {len(rejections):,} rejected")
    _write(config, records, rejections, report, say)
    return config.output


def _write(
    config: PrepareConfig,
    records: Sequence[Record],
    rejections: Sequence[Rejection],
    report: LeakReport,
    say: Callable[[str], None],
) -> None:
    shutil.rmtree(config.output, ignore_errors=True)
    config.output.mkdir(parents=True)
    train = [record for record in records if record.split == TRAIN]
    tasks = tasks_named(config.tasks)
    vocabulary = Vocabulary.load(config.vocabulary) if config.vocabulary else _vocabulary(train)
    vocabulary.save(config.output / "vocabulary.json")
    encode = partial(_encode_train, tasks=tasks, vocabulary=vocabulary, spelling=config.spelling, seed=config.seed)
    say(f"spelling {config.spelling.copies} copies for {len(tasks)} tasks with {config.workers} process(es)")
    encoded = (row for rows in _parallel(encode, train, config.workers) for row in rows)
    train_rows = folders.write_arrays(config.output, "train", encoded, config.spelling.copies)
    watched = _watched(records, tasks, config)
    valid_rows = folders.write_arrays(
        config.output,
        "valid",
        (
            folders.encode_examples([canonical_example(task, record, 0)], tasks.index(task), vocabulary)
            for task, record in watched
        ),
        1,
    )
    folders.write_records(config.output / "records.parquet", records)
    folders.write_rejects(config.output / "rejects.jsonl.xz", rejections)
    evaluation = folders.write_evaluation_files(config.output / "examples", records, tasks)
    folders.write_manifest(
        config.output,
        {
            "copies": {"train": config.spelling.copies, "valid": 1},
            "tasks": [task.name for task in tasks],
            "vocabulary_size": len(vocabulary),
            "vocabulary_sha256": vocabulary.sha256,
            "splits": {"train": {"rows": train_rows}, "valid": {"rows": valid_rows}},
            "config": as_dict(config),
            "counts": _counts(records, rejections, report, evaluation),
        },
    )


def _counts(
    records: Sequence[Record], rejections: Sequence[Rejection], report: LeakReport, evaluation: dict[str, int]
) -> dict[str, Any]:
    return {
        "records": dict(sorted(Counter(f"{r.source}/{r.split}" for r in records).items())),
        "rejected": dict(_reasons(rejections)),
        "leak_rule": {
            "protected": dict(sorted(report.protected.items())),
            "dropped": dict(report.dropped.most_common()),
            "kept_inside": dict(report.kept_inside.most_common()),
        },
        "evaluation": evaluation,
    }


def _clean_sources(
    config: PrepareConfig, say: Callable[[str], None]
) -> tuple[list[Clean], list[Rejection], frozenset[str]]:
    rows: list[Clean] = []
    rejections: list[Rejection] = []
    benchmarks: set[str] = set()
    for choice in config.sources:
        source = SOURCES.get(choice.name)
        if source.benchmark:
            benchmarks.add(source.name)
        raw = _raw_rows(source, choice, config.seed)
        results = list(_parallel(partial(clean, source=source.name), raw, config.workers))
        good = [r for r in results if isinstance(r, Clean)]
        rejections += [r for r in results if isinstance(r, Rejection)]
        rows += [_with_part(row, source, config.hold_out) for row in good]
        say(f"{source.name}: {len(results):,} rows read, {len(good):,} clean")
    return rows, rejections, frozenset(benchmarks)


def _raw_rows(source: Source, choice: SourceChoice, seed: int) -> Iterator[RawRow]:
    if source.files:
        source.verify()
        rows = source.read(source.root())
    elif choice.path is not None:
        rows = source.read(choice.path)
    else:
        raise ConfigError(f"source {source.name!r} needs a path.", "Add path = '...' to it.")
    rng = random.Random(f"{seed}:{source.name}")
    return (row for row in rows if choice.fraction >= 1 or rng.random() < choice.fraction)


def _with_part(row: Clean, source: Source, hold_out: HoldOut) -> Clean:
    split, product = row.record.split, row.keys.products[0]
    part = published_part(split, product) if source.benchmark else held_out_part(product, hold_out)
    return replace(row, record=replace(row.record, split=part))


def _fit_for_training(rows: Iterable[Clean], config: PrepareConfig) -> tuple[list[Clean], list[Rejection]]:
    """Refuse train rows that repeat an earlier one or make no sense to learn; held-out rows always stay."""
    kept: list[Clean] = []
    rejections: list[Rejection] = []
    seen: set[str] = set()
    for row in rows:
        reason = None
        if row.record.split == TRAIN:
            text = str(row.record.reaction)
            reason = (
                "duplicate of an earlier row" if text in seen else unfit_for_training(row.record, config.max_tokens)
            )
            seen.add(text)
        if reason:
            rejections.append(_reject(row.record, reason))
        else:
            kept.append(row)
    return kept, rejections


def _drop_train_only(rows: Sequence[Clean], config: PrepareConfig) -> tuple[list[Clean], list[Rejection]]:
    """Set held-out rows of sources for training alone aside, before they could protect anything."""
    train_only = {choice.name for choice in config.sources if choice.train_only}
    aside = [row for row in rows if row.record.source in train_only and row.record.split != TRAIN]
    kept = [row for row in rows if row.record.source not in train_only or row.record.split == TRAIN]
    return kept, [_reject(row.record, "in a held-out part of a source used for training alone") for row in aside]


def _watched(records: Sequence[Record], tasks: Sequence[Task], config: PrepareConfig) -> list[tuple[Task, Record]]:
    """Draw the validation rows of training: part A, every task alike."""
    rng = random.Random(f"{config.seed}:watched")
    watched: list[tuple[Task, Record]] = []
    for task in tasks:
        fitting = [(task, r) for r in records if r.split == "valid_a" and fits(task, r) and not _too_long(r, config)]
        watched += rng.sample(fitting, min(len(fitting), config.valid_rows // len(tasks)))
    return watched


def _too_long(record: Record, config: PrepareConfig) -> bool:
    return unfit_for_training(record, config.max_tokens) is not None


def _vocabulary(train: Sequence[Record]) -> Vocabulary:
    return Vocabulary.build(str(record.reaction) for record in train)


def _encode_train(
    record: Record, tasks: Sequence[Task], vocabulary: Vocabulary, spelling: Spelling, seed: int
) -> list[folders.Encoded]:
    return [
        folders.encode_examples(spelled_examples(task, record, 0, spelling, seed), index, vocabulary)
        for index, task in enumerate(tasks)
        if fits(task, record)
    ]


def _reject(record: Record, reason: str) -> Rejection:
    return Rejection(record.id, record.source, reason, str(record.reaction))


def _reasons(rejections: Sequence[Rejection]) -> list[tuple[str, int]]:
    return Counter(f"{r.source}: {r.reason}" for r in rejections).most_common()


def _parallel(work: Callable[[A], B], items: Iterable[A], workers: int) -> Iterator[B]:
    """Map in order, with processes if more than one is asked for; memory holds a few chunks at a time."""
    if workers <= 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers) as pool:
        iterator = iter(items)
        chunks = iter(lambda: list(islice(iterator, _CHUNK)), [])
        yield from (result for results in pool.map(partial(_chunk, work), chunks) for result in results)


def _chunk(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    return [work(item) for item in items]
