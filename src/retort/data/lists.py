"""Lists of candidates whose yields are known, cut so that no reaction of a test list is a train row.

A list is a set of wells of a screen that differ in one molecule. Published lists (``reagent_selection``) are read as
they are; from screens of reactions they are made: wells that are the same but for one component, at least three of
them. A well that a screen has several times has their mean yield. Roles are not told apart, so a question does not tell
what kind of molecule is asked for, and published lists whose base and solvent are exchanged ask what they should.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from retort.chem.smiles import canonicalize
from retort.data.clean import Clean, clean
from retort.data.labelled import Labelled, LabelledRows, LabelledSource
from retort.data.records import RawRow, TextRow
from retort.data.source import SOURCES, Source
from retort.data.splits import TEST, TRAIN, HoldOut, held_out_part
from retort.errors import ChemistryError, DataError
from retort.prompting.candidates import LEAST, filled, with_candidates, write_yields

LEAST_MADE = 3  # candidates of a list that is made from single reactions
SHARES = HoldOut(0.0, 0.3)
_LINE = re.compile(r"^[ ]*(reactant|ligand|base|solvent)(?: \d)?: *(\S+) *$", re.MULTILINE)
_SUZUKI_PRODUCT = "Cc1ccc2c(cnn2C2CCCCO2)c1-c1ccc2ncccc2c1"  # of every published list


@dataclass(frozen=True, slots=True)
class CandidateList:
    """The rest of a reaction, and what may be taken.

    Attributes:
        id: Unique within the source.
        kind: What is chosen, such as ``ligand``; empty where it is not told.
        reaction: ``precursors>>products`` without the candidate, canonical.
        yields: Candidate, canonical -> yield in per cent.
    """

    id: str
    kind: str
    reaction: str
    yields: Mapping[str, float]

    @property
    def wells(self) -> dict[str, float]:
        """Reaction with each candidate -> yield in per cent."""
        return {filled(self.reaction, candidate): value for candidate, value in self.yields.items()}


@dataclass(frozen=True, slots=True)
class ListRows:
    """The rows of one source.

    Attributes:
        test: Questions with their candidates; answers are yields in their order.
        wells: Train rows, of the task that ranks: single reactions with their yields, none of which is in a test list.
        popular: Candidate and yield wherever one was chosen in a train row.
    """

    test: list[Labelled]
    wells: LabelledRows
    popular: list[tuple[str, float]]


def read_lists(source: LabelledSource) -> ListRows:
    """Read the lists of a source and cut them.

    Args:
        source: Where they come from. ``ordering`` is the kind of list that is held out, all kinds where it is empty;
            ``repeats`` says by what they are cut: the reaction without the candidate, or its product.

    Raises:
        DataError: The source is not here, or leaves no list to ask or no row to learn from.
        UnknownNameError: There is no such source.
    """
    dropped: Counter[str] = Counter()
    lists = list(_lists(SOURCES.get(source.name), dropped))
    held = [one for one in lists if source.ordering in ("", one.kind) and _part(source, one) == TEST]
    products = {_product(one) for one in held} if source.repeats == "product" else set()
    asked = {well for one in held for well in one.wells}
    popular, train = [], {}
    for one in lists:
        for (candidate, value), well in zip(one.yields.items(), one.wells, strict=True):
            if well not in asked and _product(one) not in products:
                popular.append((candidate, value))
                train[well] = value
    wells = {well for one in lists for well in one.wells}
    dropped[f"{source.name}: train rows held out with test lists"] = len(wells) - len(train)
    if not held or not train:
        raise DataError(f"source {source.name!r} leaves {len(held)} lists to ask and {len(train)} rows to learn from.")
    rows = [Labelled(f"{source.name}:well:{i}", source.name, TRAIN, *pair) for i, pair in enumerate(_texts(train))]
    return ListRows([_asked(source.name, one) for one in held], LabelledRows(rows, dropped), popular)


def _texts(train: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    return ((well, repr(value), well.rpartition(">")[2]) for well, value in train.items())


def _asked(source: str, one: CandidateList) -> Labelled:
    question = with_candidates(one.reaction, list(one.yields))
    return Labelled(one.id, source, TEST, question, write_yields(list(one.yields.values())), _product(one))


def _part(source: LabelledSource, one: CandidateList) -> str:
    key = _product(one) if source.repeats == "product" else one.reaction
    return held_out_part(key, source.hold_out or SHARES)


def _product(one: CandidateList) -> str:
    return one.reaction.rpartition(">")[2]


def _lists(source: Source, dropped: Counter[str]) -> Iterator[CandidateList]:
    rows = source.read(source.root())
    if source.kind != "texts":
        yield from _made(source.name, (row for row in rows if isinstance(row, RawRow)), dropped)
        return
    for row in rows:
        found = _published(row) if isinstance(row, TextRow) else "no text"
        if isinstance(found, CandidateList):
            yield found
        else:
            dropped[f"{source.name}: {found}"] += 1


def _published(row: TextRow) -> CandidateList | str:
    """Read one published list, or say why it cannot be read.

    Candidates stand in the order of the prompt: the label has them best first.
    """
    told, _, rest = row.input.partition(" for selection:\n")
    pairs = [pair.rpartition("=") for pair in (row.label or "").split("; ")]
    try:
        yields = {canonicalize(smiles): float(percent) for smiles, _, percent in pairs}
        order = [canonicalize(smiles) for smiles in rest.partition("\n")[0].split(",")]
        parts = ".".join(canonicalize(smiles) for _, smiles in _LINE.findall(told))
    except (ChemistryError, ValueError):
        return "unreadable list"
    if set(order) != set(yields) or len(order) != len(pairs) or len(order) < LEAST:
        return "candidates and yields do not fit each other"
    reaction = filled(f"{parts}>>{canonicalize(_SUZUKI_PRODUCT)}", "")
    return CandidateList(row.id, row.kind.partition(" ")[0], reaction, {smiles: yields[smiles] for smiles in order})


def _made(name: str, rows: Iterator[RawRow], dropped: Counter[str]) -> Iterator[CandidateList]:
    """Make lists of the reactions that differ in one component."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for raw in rows:
        row = clean(raw, name)
        value = raw.yield_percent
        if not isinstance(row, Clean) or value is None or not 0 <= value <= 100:
            dropped[f"{name}: no reaction or no yield"] += 1
            continue
        reaction = row.record.reaction
        for part in set(reaction.precursors):
            rest = _without(reaction.precursors, part)
            found[f"{'.'.join(rest)}>>{'.'.join(reaction.products)}"][part].append(value)
    for number, (question, yields) in enumerate(found.items()):
        if len(yields) >= LEAST_MADE and not question.startswith(">"):
            means = {candidate: fmean(yields[candidate]) for candidate in sorted(yields)}
            yield CandidateList(f"{name}:list:{number}", "", question, means)


def _without(parts: Sequence[str], taken: str) -> list[str]:
    left = sorted(parts)
    left.remove(taken)
    return left
