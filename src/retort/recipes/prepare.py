"""Prepare data: read -> clean -> part -> leak rule -> map -> spell -> token arrays.

Every stage works on chunks of rows, with processes if asked, and leaves its chunks in a work folder beside the output.
A run that was killed goes on from the chunks that are there, and the result is the same to the byte.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from retort import __version__
from retort.config import as_dict, option
from retort.data import prepare as folders
from retort.data.arrays import append_chunks, append_row, split_arrays
from retort.data.crew import Crew, crew
from retort.data.encode import Encoder, encode_first
from retort.data.examples import Spelling, first_example, fits, tasks_named
from retort.data.intake import Intake
from retort.data.judging import Judge, write_judged
from retort.data.leakage import LeakReport, LeakRule
from retort.data.records import Record
from retort.data.shards import WorkFolder, records_in, rejections_in, whole
from retort.data.source import SOURCES, Source
from retort.data.spans import SPAN_DENOISING
from retort.data.splits import TRAIN, VALID_PARTS, HoldOut, Split, SplitName
from retort.data.stages import AlignJob, SpellJob, TemplateJob
from retort.data.watched import draw_watched
from retort.errors import ChemistryError, ConfigError, DataError
from retort.prompting.task import Task
from retort.prompting.vocabulary import SELFIES, Vocabulary
from retort.recipes.timing import Timing

Say = Callable[[str], None]
_NOT_IN_BYTES = ("output", "workers", "chunk_rows", "aligner_python")  # what the result does not depend on


@dataclass(frozen=True)
class SourceChoice:
    """One source of a prepared folder."""

    name: str = option(help="a name of `retort list sources`")
    path: Path | None = option(None, help="the file, for sources that read the user's own")
    fraction: float = option(
        1.0, help="share of the rows to read, drawn with the seed; of a published split, of its train rows"
    )
    limit: int | None = option(None, help="most rows to read, drawn with the seed; of a published split, train rows")
    train_only: bool = option(False, help="rows that fall into a held-out part are dropped instead of evaluated")
    split: SplitName | None = option(
        None,
        help="published, product, random (by row), scaffold or time; without it as published where comparisons need "
        "it, else by product; names and descriptions are always cut by molecule",
    )
    time_edges: tuple[int, int] | None = option(
        None, help="first year of valid and first year of test, for split = 'time'"
    )
    weight: float = option(1.0, help="factor on the visits of its rows in training, stored with the folder")


@dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, from what, to where."""

    output: Path = option(help="folder to write; OUTPUT.work beside it holds what is unfinished")
    sources: tuple[SourceChoice, ...] = option(help="the data sets, in order; duplicates keep the first")
    tasks: tuple[str, ...] = option(
        ("forward_prediction", "retrosynthesis", "reagent_prediction"),
        help="task names; span_denoising takes whole train reactions and molecules",
    )
    vocabulary: Path | None = option(None, help="reuse this vocabulary, to continue a model's training")
    max_tokens: int = option(250, help="train rows with a longer side are rejected")
    valid_rows: int = option(3000, help="rows of valid part A that training watches, at most")
    seed: int = option(20, help="seed of spellings, samples, splits by chance and the watched rows")
    workers: int = option(1, help="processes")
    chunk_rows: int = option(1000, help="rows per unit of work; memory grows with it and with workers")
    aligner: Literal["none", "template", "rxnmapper", "correspondence"] = option(
        "none", help="what maps train rows without maps, so that their spellings can be aligned"
    )
    aligner_python: Path | None = option(None, help="interpreter that has rxnmapper")
    aligner_templates: int = option(1000, help="frequent templates of mapped train rows, for aligner = 'template'")
    spelling: Spelling = field(default_factory=Spelling, metadata={"help": "how training copies are spelled"})
    hold_out: HoldOut = field(
        default_factory=HoldOut,
        metadata={"help": "held-out shares of unsplit sources; of names and descriptions they are fixed"},
    )


def prepare(config: PrepareConfig, say: Say = print) -> Path:
    """Build a prepared folder; one that is finished with the same configuration is left as it is.

    Raises:
        DataError: A source is not to be found, or nothing is left to train on.
        ConfigError: The output holds something else, or the configuration contradicts itself.
    """
    intakes = _intakes(config)
    place = config.output.with_name(f"{config.output.name}.work")
    if is_prepared(config):
        WorkFolder(place).remove()
        say(f"{config.output} is prepared already")
        return config.output
    _refuse_other_contents(config.output)
    work, kept = WorkFolder.open(place, {"made_with": __version__, "chunk_rows": config.chunk_rows} | _origin(config))
    say(f"going on with what {place} holds" if kept else f"work folder: {place}")
    timing = Timing(say)
    with crew(config.workers) as workers:
        judged, counts = _judged(config, intakes, work, workers, timing)
        chunks, aligned = _aligned(config, judged, work, workers, timing)
        vocabulary = _vocabulary(config, chunks, work)
        rows = _spelled(config, chunks, work, workers, timing)
    _assemble(config, work, chunks, vocabulary, {**counts, "aligned": aligned, "rows": rows}, timing)
    work.remove()
    say(f"prepared {config.output}: {timing.words()}")
    return config.output


def is_prepared(config: PrepareConfig) -> bool:
    """Say whether the output is a finished folder of this configuration and of the same source files."""
    try:
        manifest = folders.read_manifest(config.output)
    except DataError:
        return False
    origin = _origin(config)
    return all(manifest.get(key) == value for key, value in origin.items())


def _origin(config: PrepareConfig) -> dict[str, Any]:
    """Return what determines the bytes of the result: the configuration and the checksums of what is read."""
    values = {key: value for key, value in as_dict(config).items() if key not in _NOT_IN_BYTES}
    inputs = {f"{i.place:02}-{i.source.name}": i.checksums() for i in _intakes(config)}
    if config.vocabulary:
        inputs["vocabulary"] = {config.vocabulary.name: Vocabulary.load(config.vocabulary).sha256}
    origin: dict[str, Any] = json.loads(json.dumps({"config": values, "inputs": inputs}))
    return origin


def _refuse_other_contents(output: Path) -> None:
    if (output / "manifest.json").exists():
        raise ConfigError(f"{str(output)!r} is prepared already, from another configuration.", "Choose another output.")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{str(output)!r} holds something else.", "Choose another output, or empty it.")


def _intakes(config: PrepareConfig) -> list[Intake]:
    intakes = [_intake(config, place, choice) for place, choice in enumerate(config.sources)]
    of_molecules = SPAN_DENOISING in config.tasks or _asks_of_molecules(config)
    if not of_molecules and any(i.source.kind == "molecules" for i in intakes):
        raise ConfigError(
            "molecules serve span_denoising and tasks of names and descriptions.",
            f"Add one to tasks = {list(config.tasks)}.",
        )
    if len(set(source_weights(config))) < len({(c.name, c.weight) for c in config.sources}):
        raise ConfigError("a source that is named twice has two weights.", "Give it one.")
    return intakes


def _intake(config: PrepareConfig, place: int, choice: SourceChoice) -> Intake:
    source = SOURCES.get(choice.name)
    if source.kind == "texts":
        raise ConfigError(f"source {source.name!r} gives questions in words, which cannot be prepared yet.")
    if not 0 < choice.fraction <= 1 or (choice.limit is not None and choice.limit < 1) or choice.weight < 0:
        raise ConfigError(
            f"source {source.name!r}: fraction {choice.fraction}, limit {choice.limit} or weight {choice.weight} is "
            "out of range.",
            "A fraction is above 0 and at most 1, a limit at least 1, a weight at least 0.",
        )
    described = source.kind == "molecules" and _asks_of_molecules(config)
    name = _split_of_molecules(choice) if described else _split_name(source, choice)
    split = Split(name, config.hold_out, choice.time_edges, config.seed)
    return Intake(place, source, split, config.seed, choice.path, choice.fraction, choice.limit)


def _asks_of_molecules(config: PrepareConfig) -> bool:
    return any(task.of_molecules for task in _tasks(config))


def _split_of_molecules(choice: SourceChoice) -> SplitName:
    if choice.split not in (None, "molecule") or choice.time_edges is not None:
        raise ConfigError(
            f"source {choice.name!r}: names and descriptions are cut by molecule, alike in all sources.",
            "Leave split and time_edges out.",
        )
    return "molecule"


def _split_name(source: Source, choice: SourceChoice) -> SplitName:
    published = source.benchmark or source.published_split
    name: SplitName = choice.split or ("published" if published else "product")
    edges = choice.time_edges
    if (name == "time") != (edges is not None) or (edges is not None and edges[0] >= edges[1]):
        raise ConfigError(
            f"source {source.name!r}: split {name!r} and time_edges {edges} do not go together.",
            "split = 'time' needs time_edges = [first year of valid, first year of test], and no other split does.",
        )
    return name


def source_weights(config: PrepareConfig) -> dict[str, float]:
    """Return the weight of each source, in the order in which they are numbered."""
    return {choice.name: choice.weight for choice in config.sources}


def _judged(
    config: PrepareConfig, intakes: list[Intake], work: WorkFolder, workers: Crew, timing: Timing
) -> tuple[list[Path], dict[str, Any]]:
    """Clean all rows and judge them; return the judged chunks, and counts of rows read and of leaks."""
    read: dict[str, Counter[str]] = {}
    for intake in intakes:
        with timing.stage(f"clean {intake.source.name}") as done:
            counts = intake.clean(work, workers, config.chunk_rows, config.max_tokens, done)
        timing.say(f"{intake.source.name}: {counts['rows']:,} rows read, {counts['clean']:,} clean")
        read.setdefault(intake.source.name, Counter()).update(rows=counts["rows"], clean=counts["clean"])
    chunks = [chunk for intake in intakes for chunk in intake.chunks(work)]
    outputs = [work.file("judged", f"{index:05}.parquet") for index in range(len(chunks))]
    noted = work.noted("judged", "report")
    if noted is None:
        with timing.stage("judge") as done:
            judge = Judge(_rule(intakes), frozenset(c.name for c in config.sources if c.train_only))
            for chunk, output, reasons in zip(chunks, outputs, judge.reasons(chunks), strict=True):
                write_judged(chunk, output, reasons)
                done(len(reasons))
        noted = {"leak_rule": _report(judge.rule.report)}
        work.note("judged", "report", noted)
    return outputs, {"read": read, **noted}


def _rule(intakes: list[Intake]) -> LeakRule:
    def named(*splits: str) -> frozenset[str]:
        return frozenset(intake.source.name for intake in intakes if intake.split.name in splits)

    published = named("published")
    cards = [intake.source for intake in intakes if intake.whole]
    unprotected = frozenset(card.name for card in cards if card.published_split and not card.benchmark)
    return LeakRule(published, named("random", "time"), unprotected)


def _report(report: LeakReport) -> dict[str, Any]:
    return {
        "protected": dict(sorted(report.protected.items())),
        "dropped": dict(report.dropped.most_common()),
        "kept_inside": dict(report.kept_inside.most_common()),
    }


def _aligned(
    config: PrepareConfig, chunks: list[Path], work: WorkFolder, workers: Crew, timing: Timing
) -> tuple[list[Path], dict[str, int]]:
    """Map train rows without maps; return the chunks to go on with and source -> rows mapped.

    What costs little maps part A too, so that the rows which training watches are spelled as those it learns.
    """
    if config.aligner == "none":
        return chunks, {}
    templates = work.path / "templates.txt"
    if config.aligner == "template":
        _write_templates(config, chunks, templates, work, workers, timing)
    parts = (TRAIN, VALID_PARTS[0]) if config.aligner == "correspondence" else (TRAIN,)
    jobs = [
        AlignJob(config.aligner, templates, config.aligner_python, chunk, work.file("aligned", chunk.name), parts)
        for chunk in chunks
    ]
    mapped: Counter[str] = Counter()
    with timing.stage(f"align by {config.aligner}") as done:
        for tried, found in workers.map(AlignJob.run, jobs):
            mapped.update(found)
            done(tried)
    return [job.output for job in jobs], dict(sorted(mapped.items()))


def _write_templates(
    config: PrepareConfig, chunks: list[Path], path: Path, work: WorkFolder, workers: Crew, timing: Timing
) -> None:
    """Keep the most frequent templates of a sample of mapped train rows, five rows a template."""
    if path.exists():
        return
    share = 5 * config.aligner_templates / max(1, folders.mapped_rows(chunks))
    jobs = [TemplateJob(config.seed, share, c, work.file("templates", f"{c.stem}.json")) for c in chunks]
    counts: Counter[str] = Counter()
    with timing.stage("extract templates") as done:
        for found in workers.map(TemplateJob.run, jobs):
            counts.update(found)
            done(found.total())
    frequent = sorted(counts, key=lambda template: (-counts[template], template))[: config.aligner_templates]
    whole(path, lambda part: part.write_text("\n".join(frequent), "utf-8"))


def _vocabulary(config: PrepareConfig, chunks: list[Path], work: WorkFolder) -> Vocabulary:
    """Return the vocabulary of the configuration, or build it from train rows; it is kept for the workers."""
    path = work.path / "vocabulary.json"
    if not path.exists():
        train = (record for chunk in chunks for record in records_in(chunk, TRAIN))
        first = next(train, None)
        if first is None:
            reasons = dict(Counter(r.reason for chunk in chunks for r in rejections_in(chunk)).most_common(5))
            raise DataError("no row is left to train on.", f"See why: {reasons}.")
        texts = chain.from_iterable(_texts(config, record) for record in chain([first], train))
        built = Vocabulary.load(config.vocabulary) if config.vocabulary else Vocabulary.build(texts)
        whole(path, built.save)
    return Vocabulary.load(path)


def _texts(config: PrepareConfig, record: Record) -> Iterator[str]:
    """Yield what the vocabulary must spell of a train row: its reaction, and its answers where they are SELFIES."""
    yield str(record.reaction)
    if config.spelling.answers == "selfies":
        for task in _tasks(config):
            with suppress(ChemistryError):  # such a row is left out, and counted, where rows are spelled
                if fits(task, record):
                    yield first_example(task, record, 0, config.spelling).target.removeprefix(SELFIES)


def _spelled(
    config: PrepareConfig, chunks: list[Path], work: WorkFolder, workers: Crew, timing: Timing
) -> dict[str, int]:
    """Spell and encode all train rows; return ``source/task`` -> rows."""
    jobs = [_spell_job(config, chunk, work) for chunk in chunks]
    rows: Counter[str] = Counter()
    with timing.stage(f"spell {config.spelling.copies} copies") as done:
        for found in workers.map(SpellJob.run, jobs):
            rows.update(found)
            done(sum(found.values()))
    return dict(sorted(rows.items()))


def _spell_job(config: PrepareConfig, chunk: Path, work: WorkFolder) -> SpellJob:
    return SpellJob(
        tasks=_task_names(config),
        sources=tuple(source_weights(config)),
        vocabulary=work.path / "vocabulary.json",
        spelling=config.spelling,
        seed=config.seed,
        chunk=chunk,
        output=work.file("spelled", f"{chunk.stem}.npz"),
    )


def _task_names(config: PrepareConfig) -> tuple[str, ...]:
    return tuple(name if name == SPAN_DENOISING else tasks_named([name])[0].name for name in config.tasks)


def _assemble(
    config: PrepareConfig,
    work: WorkFolder,
    chunks: list[Path],
    vocabulary: Vocabulary,
    counts: dict[str, Any],
    timing: Timing,
) -> None:
    """Join the chunks into a folder within the work folder, then put it in place of the output."""
    folder = work.path / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names, sources = _task_names(config), tuple(source_weights(config))
    with timing.stage("assemble") as done:
        vocabulary.save(folder / "vocabulary.json")
        with split_arrays(folder, "train", config.spelling.copies) as train:
            append_chunks(train, (_spell_job(config, chunk, work).output for chunk in chunks))
        valid_rows = _write_valid(config, folder, chunks, vocabulary)
        files = folders.gather(folder, chunks, _tasks(config))
        manifest = {
            "copies": {"train": config.spelling.copies, "valid": 1},
            "tasks": list(names),
            "sources": list(sources),
            "source_weights": source_weights(config),
            "vocabulary_size": len(vocabulary),
            "vocabulary_sha256": vocabulary.sha256,
            "splits": {"train": {"rows": train.tasks.length}, "valid": {"rows": valid_rows}},
            **_origin(config),
            "counts": files | counts,
        }
        folders.write_manifest(folder, manifest)
        done(train.tasks.length)
    (folder / "timing.json").write_text(json.dumps(timing.as_dict(), indent=1) + "\n", "utf-8")
    folder.replace(config.output)


def _tasks(config: PrepareConfig) -> list[Task]:
    return tasks_named([name for name in config.tasks if name != SPAN_DENOISING])


def _write_valid(config: PrepareConfig, folder: Path, chunks: list[Path], vocabulary: Vocabulary) -> int:
    """Write the watched validation rows, one copy each: the first that training reads; return their number.

    One whose answer has no SELFIES, where answers are to be written in them, is left out as in training.
    """
    names, sources, encoder = _task_names(config), list(source_weights(config)), Encoder(vocabulary)
    records = (record for chunk in chunks for record in records_in(chunk, VALID_PARTS[0]))
    watched = draw_watched(records, _tasks(config), config.valid_rows, config.max_tokens, config.seed)
    with split_arrays(folder, "valid", 1) as arrays:
        for task, record in watched:
            if sequences := encode_first(task, record, encoder, config.spelling):
                append_row(arrays, (names.index(task.name), sequences), sources.index(record.source))
        return arrays.tasks.length
