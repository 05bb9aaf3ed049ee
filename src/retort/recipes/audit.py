"""Audit for leakage: what of one thing also occurs in another, for any files, splits and prepared folders.

A prepared folder stands for its train part, held against its own held-out parts and everything else that is named;
``FOLDER:PART`` names one part. ``SOURCE`` and ``SOURCE:SPLIT`` are sources below the data root.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from retort.data.audit import CATEGORIES, Collection, Finding, compare
from retort.data.audit_rows import Sourced, check_source, collect, folder_parts, folder_rows, source_rows, table_rows
from retort.data.prepare import read_manifest
from retort.data.source import SOURCES
from retort.data.splits import TRAIN
from retort.errors import InputFileError, UnknownNameError, UsageError, did_you_mean
from retort.prompting.task import TASKS

UNREADABLE = "unreadable"
ALL = "all"
LEAK_RULE = ("same_reaction", "same_product", "same_reactants")
"""The categories that the leak rule of preparation keeps empty."""


@dataclass(frozen=True)
class AuditRequest:
    """What to audit.

    Attributes:
        inputs: Files, ``source[:split]`` names, prepared folders, ``folder:part``; two things at least.
        tasks: None, one for all tables, or one per input.
        fail_on: Categories (or ``unreadable``, or ``all`` categories) that make the audit fail when found.
        examples: Ids to report per finding, at most.
        workers: Processes.
    """

    inputs: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    examples: int = 5
    workers: int = 1


@dataclass(frozen=True)
class Pair:
    """Two collections and what of the second occurs in the first."""

    first: Collection
    second: Collection
    findings: dict[str, Finding | None]


@dataclass(frozen=True)
class Audit:
    """The outcome: everything read, every pair compared, and what of it was asked to fail."""

    collections: tuple[Collection, ...]
    pairs: tuple[Pair, ...]
    failures: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, the contract of ``--format json``."""
        inputs = [{"name": c.name, "rows": len(c), UNREADABLE: c.unreadable} for c in self.collections]
        found, unchecked = [], []
        for pair in self.pairs:
            for category, finding in pair.findings.items():
                names = {"first": pair.first.name, "second": pair.second.name, "category": category}
                if finding is None:
                    unchecked.append(names)
                else:
                    share = finding.rows / max(1, len(pair.second))
                    found.append(names | {"rows": finding.rows, "share": share} | _rest(finding))
        return {"inputs": inputs, "findings": found, "not_applicable": unchecked, "failures": list(self.failures)}

    def rows(self) -> list[dict[str, str]]:
        """Return one line per pair and category, as text."""
        return [
            {
                "first": pair.first.name,
                "second": pair.second.name,
                "category": category,
                "rows": "-" if finding is None else f"{finding.rows:,}",
                "share": "-" if finding is None else f"{finding.rows / max(1, len(pair.second)):.2%}",
                "within split": "-" if finding is None else f"{finding.within_split:,}",
                "examples": "" if finding is None else ", ".join(finding.examples),
            }
            for pair in self.pairs
            for category, finding in pair.findings.items()
        ]

    def notes(self) -> list[str]:
        """Return what the table cannot hold: rows read, rows unreadable and why, and failures."""
        lines: list[str] = []
        for collection in self.collections:
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in collection.unreadable.items())
            lines.append(f"{collection.name}: {len(collection):,} rows{f'; unreadable: {reasons}' if reasons else ''}")
        return [*lines, *(f"FAILED {line}" for line in self.failures)]


def _rest(finding: Finding) -> dict[str, Any]:
    return {"within_split": finding.within_split, "examples": list(finding.examples)}


@dataclass(frozen=True)
class _Part:
    """One thing to read; parts of one folder share their ``owner``, and its held-out ones are ``passive``."""

    name: str
    owner: int
    read: Callable[[], Iterator[Sourced]]
    tasks: tuple[str, ...] = ()
    passive: bool = False


def audit(request: AuditRequest, say: Callable[[str], None] = lambda _: None) -> Audit:
    """Read every input once and compare all pairs.

    Raises:
        UsageError: There are fewer than two things, or a category cannot be checked on any pair.
        InputFileError, UnknownNameError, DataError: An input cannot be read.
    """
    _check(request)
    parts = [part for owner, name in enumerate(request.inputs) for part in _parts(name, owner, _task(request, owner))]
    pairs = [pair for pair in combinations(parts, 2) if _compared(*pair)]
    if not pairs:
        raise UsageError("there is nothing to compare.", "Name two inputs at least, or one prepared folder.")
    read = {part.name: _read(part, request.workers, say) for part in parts}
    done = []
    for first, second in pairs:
        one, other = read[first.name], read[second.name]
        done.append(Pair(one, other, compare(one, other, request.examples)))
        say(f"compared {first.name} with {second.name}")
    return Audit(tuple(read.values()), tuple(done), _failures(request.fail_on, done, list(read.values())))


def held_out_overlap(folder: Path, *, benchmarks: bool = True, workers: int = 1) -> dict[str, Any]:
    """Return the counts of an audit of a prepared folder's train part, for a model card.

    It is held against each of the folder's own held-out parts, and against the published valid and test rows of every
    benchmark that is found below the data root, which the folder did not write itself.

    Args:
        folder: A prepared folder.
        benchmarks: Whether to read the benchmarks' own files too.
        workers: Processes.

    Returns:
        ``{"train_rows", "unreadable", "parts": {name: {"rows", "leaks": {category: n}, "within_split": {...}}}}``;
        a category that does not apply has None.
    """
    parts = [part for part in _folder_parts(str(folder), 0, folder) if part.passive]
    parts += list(_benchmark_parts(folder)) if benchmarks else []
    train = _read(_Part(TRAIN, 0, lambda: folder_rows(folder, TRAIN)), workers)
    counted: dict[str, Any] = {}
    for part in parts:
        held_out = _read(part, workers)
        findings = compare(train, held_out, examples=0)
        counted[part.name.removeprefix(f"{folder}:")] = {
            "rows": len(held_out),
            UNREADABLE: sum(held_out.unreadable.values()),
            "leaks": {name: finding and finding.leaks for name, finding in findings.items()},
            "within_split": {name: finding and finding.within_split for name, finding in findings.items()},
        }
    return {"train_rows": len(train), UNREADABLE: train.unreadable, "parts": counted}


def _benchmark_parts(folder: Path) -> Iterator[_Part]:
    tasks = tuple(task for task in read_manifest(folder)["tasks"] if task in TASKS.names())
    for name in SOURCES.names():
        source = SOURCES.get(name)
        if source.benchmark and source.where() is not None:
            for split in ("valid", "test"):
                if split in source.rows:
                    yield _Part(f"{name}:{split}", 1, _reader(source_rows, name, split), tasks)


def _check(request: AuditRequest) -> None:
    known = {*CATEGORIES, UNREADABLE, ALL}
    for name in request.fail_on:
        if name not in known:
            raise UnknownNameError("category", name, known)
    if len(request.tasks) not in (0, 1, len(request.inputs)):
        raise UsageError(
            f"{len(request.tasks)} tasks for {len(request.inputs)} inputs.", "Give --task once, or once per input."
        )
    repeated = {name for name in request.inputs if request.inputs.count(name) > 1}
    if repeated:
        raise UsageError(f"{min(repeated)!r} is named twice.", "Name two different things.")


def _task(request: AuditRequest, owner: int) -> str | None:
    if not request.tasks:
        return None
    return TASKS.get(request.tasks[owner if len(request.tasks) > 1 else 0]).name


def _parts(name: str, owner: int, task: str | None) -> list[_Part]:
    """Find out what a name names: a folder, a file, a part of a folder, or a source."""
    path = Path(name)
    if path.is_dir():
        return _folder_parts(name, owner, path)
    tasks = (task,) if task else ()
    if path.is_file():
        return [_Part(name, owner, _reader(table_rows, path, task), tasks)]
    stem, colon, part = name.rpartition(":")
    if colon and Path(stem).is_dir():
        known = folder_parts(Path(stem))
        if part not in known:
            raise UsageError(f"{stem!r} has no part {part!r}.", did_you_mean(part, known))
        return [_Part(name, owner, _reader(folder_rows, Path(stem), part))]
    source, split = (stem, part) if colon else (name, None)
    if source not in SOURCES.names():
        raise InputFileError(
            f"{name!r} is neither a file, nor a prepared folder, nor a source.", did_you_mean(source, SOURCES.names())
        )
    check_source(source, split)
    return [_Part(name, owner, _reader(source_rows, source, split), tasks)]


def _folder_parts(name: str, owner: int, folder: Path) -> list[_Part]:
    return [
        _Part(f"{name}:{part}", owner, _reader(folder_rows, folder, part), passive=part != TRAIN)
        for part in folder_parts(folder)
    ]


def _reader(read: Callable[..., Iterator[Sourced]], *arguments: Any) -> Callable[[], Iterator[Sourced]]:
    return lambda: read(*arguments)


def _compared(first: _Part, second: _Part) -> bool:
    """Held-out parts of a folder named as a whole are there to be held against train parts alone."""
    passive = [part for part in (first, second) if part.passive]
    others = [part for part in (first, second) if not part.passive]
    return not passive or (len(others) == 1 and others[0].name.endswith(f":{TRAIN}"))


def _read(part: _Part, workers: int, say: Callable[[str], None] = lambda _: None) -> Collection:
    return collect(
        part.name,
        part.read(),
        tasks=part.tasks,
        workers=workers,
        say=lambda rows: say(f"{part.name}: {rows:,} rows"),
    )


def _failures(fail_on: Sequence[str], pairs: Sequence[Pair], collections: Sequence[Collection]) -> tuple[str, ...]:
    """Return a line for every finding that was asked to fail; overlaps within a published split are none."""
    wanted = [name for name in CATEGORIES if name in fail_on or ALL in fail_on]
    lines: list[str] = []
    for category in wanted:
        found = [(pair, pair.findings[category]) for pair in pairs]
        if category in fail_on and all(finding is None for _, finding in found):
            raise UsageError(f"{category} cannot be checked on any pair.", "Nothing named has what it compares.")
        lines += [
            f"{category}: {finding.leaks:,} rows of {pair.second.name} are in {pair.first.name}"
            for pair, finding in found
            if finding is not None and finding.leaks
        ]
    if UNREADABLE in fail_on:
        lines += [
            f"{sum(c.unreadable.values()):,} rows of {c.name} are unreadable" for c in collections if c.unreadable
        ]
    return tuple(lines)
