"""Rows of a source as questions with their answers, cut as published, behind the leak rule inside one benchmark.

Models of classes and numbers learn from these, and suites of benchmarks ask them; test rows stay whole, and train rows
that a test row repeats are dropped and counted. A source without a published split is cut by product. Molecules with
names or descriptions are cut by molecule, all sources alike; words that stand for several molecules ask nothing, and a
molecule with the same words counts once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from retort.config import option
from retort.data.clean import Clean, clean, clean_described, of_several
from retort.data.examples import answer_of, fits, given_of
from retort.data.protected import Protection
from retort.data.records import MoleculeRow, RawRow, Rejection, SourceRow
from retort.data.source import SOURCES
from retort.data.splits import TEST, TRAIN, HoldOut, held_out_part, molecule_part, published_part
from retort.errors import DataError
from retort.prompting.task import Task

Repeat = Literal["product", "reaction"]
Placed = tuple[str, Clean]
"""A clean row with its part."""
Named = tuple[str, tuple[str, ...]]
"""Words in lower case, and the molecule."""


@dataclass(frozen=True)
class LabelledSource:
    """A source to learn from."""

    name: str = option(help="a source whose rows have the label of the task")
    ordering: str = option("", help="ordering whose test rows are held out, by its name in the rows; else as published")
    repeats: Repeat = option(
        "product",
        help="product (without stereo) or reaction: of a test row, drops a train row",
    )
    hold_out: HoldOut | None = option(None, help="shares held out by product, in the place of the published split")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One question with its answer.

    Attributes:
        part: ``train``, ``valid_a``, ``valid_b``, ``valid_c`` or ``test``.
        given: The question, canonical.
        answer: As :func:`retort.prompting.answers.read_answer` returns it.
        product: Stereo-free key of the product side, or of the molecule.
        kind: Of a name, what it is: ``iupac``, ``trivial`` or ``patent``.
    """

    id: str
    source: str
    part: str
    given: str
    answer: str
    product: str
    kind: str = ""


@dataclass
class LabelledRows:
    """The rows of some sources.

    Attributes:
        rows: Usable ones, in the order of the sources.
        dropped: Source and reason -> rows.
    """

    rows: list[Labelled] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def part(self, *names: str) -> list[Labelled]:
        """Return the rows of some parts."""
        return [row for row in self.rows if row.part in names]

    @property
    def sha256(self) -> str:
        """Hash of the train rows: questions and answers in order."""
        text = "".join(f"{row.given}\t{row.answer}\n" for row in self.part(TRAIN))
        return sha256(text.encode()).hexdigest()


def read_labelled(task: Task, sources: Sequence[LabelledSource], protection: Protection | None = None) -> LabelledRows:
    """Read, clean and cut the rows of some sources.

    Args:
        task: What is asked.
        sources: Where the rows come from; a train row that repeats a test row of any of them is dropped.
        protection: Held-out rows of benchmarks; rows that leak from one, and are not of a benchmark themselves, are no
            train rows.

    Raises:
        DataError: A source is not here, or has no train row for the task.
        UnknownNameError: There is no such source.
    """
    found = LabelledRows()
    cleaned = [(source, list(_cleaned(found, source))) for source in sources]
    if task.of_molecules:
        cleaned = _distinct(found, task, cleaned)
    held = {key for source, rows in cleaned for part, row in rows if part == TEST for key in _keys(source.repeats, row)}
    for source, rows in cleaned:
        before = len(found.rows)
        guard = None if SOURCES.get(source.name).benchmark else protection
        for part, row in rows:
            _add(found, task, source, part, row, held, guard)
        if not any(row.part == TRAIN for row in found.rows[before:]):
            raise DataError(f"source {source.name!r} has no train rows for {task.name}.", f"{dict(found.dropped)}")
    return found


def _add(
    found: LabelledRows,
    task: Task,
    source: LabelledSource,
    part: str,
    row: Clean,
    held: set[str],
    guard: Protection | None,
) -> None:
    """Take up one row, or count why not."""
    record = row.record
    given = given_of(task, record) if record.roles_known or not task.needs_roles else ""
    answer = answer_of(task, record)
    if not given or not answer:
        found.dropped[f"{source.name}: no usable {'answer' if given else 'question'}"] += 1
    elif part != TEST and held & set(_keys(source.repeats, row)):
        found.dropped[f"{source.name}: {part} row with the {source.repeats} of a test row"] += 1
    elif part != TEST and guard is not None and (holder := guard.holder_of(row.keys)):
        found.dropped[f"{source.name}: {part} row that leaks from {holder}"] += 1
    else:
        kind = record.name_kind or ""
        found.rows.append(Labelled(record.id, source.name, part, given, answer, row.keys.products[0], kind))


def _distinct(
    found: LabelledRows, task: Task, cleaned: Sequence[tuple[LabelledSource, Sequence[Placed]]]
) -> list[tuple[LabelledSource, list[Placed]]]:
    """Drop and count rows of the task whose words stand for several molecules, or that repeat an earlier row."""
    named = (row for _, rows in cleaned for _, row in rows if fits(task, row.record))
    several = of_several(map(_key, named))
    seen: set[Named] = set()
    kept: list[tuple[LabelledSource, list[Placed]]] = []
    for source, rows in cleaned:
        kept.append((source, []))
        for part, row in rows:
            key = _key(row)
            if not fits(task, row.record):
                kept[-1][1].append((part, row))
            elif key[0] in several:
                found.dropped[f"{source.name}: words that stand for several molecules"] += 1
            elif key in seen:
                found.dropped[f"{source.name}: the same molecule and words as an earlier row"] += 1
            else:
                seen.add(key)
                kept[-1][1].append((part, row))
    return kept


def _key(row: Clean) -> Named:
    return row.record.words.casefold(), row.record.reaction.products


def _cleaned(found: LabelledRows, source: LabelledSource) -> Iterator[Placed]:
    """Yield each readable reaction or molecule with its part."""
    entry = SOURCES.get(source.name)
    for raw in entry.read(entry.root()):
        row = _read(raw, source.name)
        if isinstance(row, Rejection):
            found.dropped[f"{source.name}: {row.reason}"] += 1
        else:
            yield _part(source, raw, row), row


def _read(raw: SourceRow, source: str) -> Clean | Rejection:
    if isinstance(raw, RawRow):
        return clean(raw, source)
    if isinstance(raw, MoleculeRow):
        return clean_described(raw, source)
    return Rejection(raw.id, source, "neither reaction nor molecule", raw.input)


def _part(source: LabelledSource, raw: SourceRow, row: Clean) -> str:
    if isinstance(raw, MoleculeRow):
        return molecule_part(row.keys.products[0])
    if source.hold_out is not None:
        return held_out_part(row.keys.products[0], source.hold_out)
    entry = SOURCES.get(source.name)
    if not source.ordering and (entry.benchmark or entry.published_split):
        return published_part(raw.split, row.keys.products[0])
    if not source.ordering:
        return held_out_part(row.keys.products[0], HoldOut())
    label = raw.label if isinstance(raw, RawRow) else None
    return TEST if source.ordering in (label or "").split(",") else TRAIN


def _keys(repeats: Repeat, row: Clean) -> Iterable[str]:
    """Return what a train row must not share with a test row."""
    if repeats == "product":
        return row.keys.products
    reaction = row.record.reaction
    return (f"{'.'.join(sorted(reaction.precursors))}>>{'.'.join(reaction.products)}",)
