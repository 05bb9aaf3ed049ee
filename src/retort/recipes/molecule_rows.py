"""Rows with molecules from real data, for training in stages.

Kinds of rows: ``smiles_text`` (SMILES alone, no graph), ``graph_to_smiles``, ``molecule_captioning``,
``graph_to_name``, ``name_to_smiles`` (no graph), ``procedure`` (words with molecules in the place of names), and one
for each task of reactions. Reactions of tasks come from a prepared folder, so that its cleaning, parts and leak rule
hold here too; molecules and procedures are held out by a hash, and left out where they leak
(:mod:`retort.data.protected`); of described molecules, those that suites ask about are left out as well.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retort.chem.graphs import molecular_graph
from retort.chem.smiles import canonicalize, without_stereo
from retort.config import as_dict
from retort.data.clean import clean
from retort.data.molecule_rows import SPLITS, RowFolder, write_rows
from retort.data.prepare import read_records
from retort.data.protected import Protection, protected_molecules
from retort.data.records import MoleculeRow, RawRow, Record, Rejection
from retort.data.source import SOURCES
from retort.data.splits import TEST, molecule_part
from retort.errors import ChemistryError, DataError
from retort.prompting.dialogue import (
    OWN_TEMPLATE,
    Dialogue,
    EncodedRow,
    RunningText,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    encode_running_text,
)
from retort.prompting.molecules import InputMode, interleave, listed, mention, mentioned
from retort.prompting.task import TASKS, Question, Task
from retort.prompting.vocabulary import Vocabulary, as_text, is_text
from retort.recipes.molecule_rows_config import MoleculeRows

Say = Callable[[str], None]
Row = Dialogue | RunningText
Placed = tuple[str, str, Row]  # split, kind, row
_INTERLEAVED = 2  # molecules that a procedure has at least
_PARTS = {"train": "train", "valid_a": "valid"}


def make_molecule_rows(config: MoleculeRows, output: Path, say: Say = print) -> RowFolder:
    """Make the rows of a configuration and write them; return their folder.

    Raises:
        DataError: A source is not there or holds no molecules, or a split would be empty.
        UnknownNameError: A task or source does not exist.
    """
    counts: Counter[str] = Counter()
    records = read_records(config.records / "records.parquet") if config.records else []
    protection = protected_molecules(config.protect, records)
    say(f"protected: {dict(protection.counts) or 'nothing'}; not there: {', '.join(protection.absent) or 'none'}")
    reader = _Reader(config.limit, protection, counts)
    placed = [*_of_molecules(config, reader), *_of_descriptions(config, reader), *_of_procedures(config, reader)]
    placed += _of_records(config, records)
    vocabulary = Vocabulary.load(config.vocabulary) if config.vocabulary else Vocabulary.build(_train_smiles(placed))
    tokens = VocabularyTokens(vocabulary)
    rows: dict[str, dict[str, list[EncodedRow]]] = {split: {} for split in SPLITS}
    for split, kind, row in placed:
        for part in SPLITS:
            rows[part].setdefault(kind, [])
        rows[split][kind].append(_encoded(row, tokens))
    if not all(any(kinds.values()) for kinds in rows.values()):
        raise DataError("a split of the rows would be empty.", "Raise rows.limit or rows.valid_share.")
    graphs = {smiles: molecular_graph(smiles) for _, _, row in placed for smiles in row.molecules}
    folder = write_rows(
        output,
        rows,
        graphs,
        vocabulary,
        {"made_from": as_dict(config), "left_out": dict(counts), "protected": dict(protection.counts)},
    )
    for kind, by_split in folder.manifest["rows"].items():
        say(f"{kind}: " + ", ".join(f"{n:,} {split}" for split, n in by_split.items()))
    say(f"{len(graphs):,} molecules; left out: {dict(counts) or 'none'}")
    return folder


def _encoded(row: Row, tokens: VocabularyTokens) -> EncodedRow:
    if isinstance(row, RunningText):
        return encode_running_text(row, tokens)
    return encode_dialogue(row, OWN_TEMPLATE, tokens)


def _asked(id_: str, question: str, answer: str, molecules: Sequence[str]) -> Dialogue:
    return Dialogue((Turn("user", question), Turn("assistant", answer)), tuple(molecules), id_)


def _of_molecules(config: MoleculeRows, reader: "_Reader") -> Iterator[Placed]:
    for row, smiles in reader.read(config.molecules):
        split = _split(smiles, config.valid_share)
        yield split, "smiles_text", RunningText(smiles, (), row.id)
        question = as_text("SMILES") + mention(smiles, "graph")
        yield split, "graph_to_smiles", _asked(row.id, question, smiles, listed([smiles], "graph"))


def _of_descriptions(config: MoleculeRows, reader: "_Reader") -> Iterator[Placed]:
    for row, smiles in reader.read(config.described):
        if molecule_part(without_stereo(smiles)) == TEST:
            reader.counts[f"{row.id.partition(':')[0]}: held out for testing"] += 1
            continue
        split, shown = _split(smiles, config.valid_share), mention(smiles, config.mode)
        molecules = listed([smiles], config.mode)
        if row.text_kind == "description":
            yield (
                split,
                "molecule_captioning",
                _asked(row.id, f"<molecule_captioning>{shown}", as_text(row.text), molecules),
            )
        elif row.text_kind == "name":
            yield split, "graph_to_name", _asked(row.id, f"<molecule_naming>{shown}", as_text(row.text), molecules)
            yield split, "name_to_smiles", _asked(row.id, f"<name_conversion>{as_text(row.text)}", smiles, ())


def _of_procedures(config: MoleculeRows, reader: "_Reader") -> Iterator[Placed]:
    """Yield procedures in which at least two names have become molecules."""
    for row, product in reader.procedures(config.procedures):
        told = interleave(row.procedure, reader.named(row), config.mode)
        if len(told.found) < _INTERLEAVED:
            reader.counts[
                f"{row.id.partition(':')[0]}: fewer than {_INTERLEAVED} molecules named in the procedure"
            ] += 1
            continue
        yield _split(product, config.valid_share), "procedure", RunningText(told.text, told.molecules, row.id)


def _of_records(config: MoleculeRows, records: Sequence[Record]) -> Iterator[Placed]:
    tasks = [TASKS.get(name) for name in config.tasks]
    seen: Counter[str] = Counter()
    for record in (record for record in records if record.split in _PARTS):
        seen[record.split] += 1
        if config.limit is None or seen[record.split] <= config.limit:
            yield from (placed for task in tasks for placed in _of_record(record, task, config.mode))


def _of_record(record: Record, task: Task, mode: InputMode) -> Iterator[Placed]:
    """Yield the row of a task, or nothing where the reaction does not tell the answer."""
    given, wanted = task.given(record.reaction), task.wanted(record.reaction)
    if given.strip(">.") and wanted:
        shown, molecules = mentioned(given, mode)
        prompt = Question(task.name, shown).prompt
        yield _PARTS[record.split], task.name, _asked(record.id, prompt, wanted, molecules)


@dataclass(frozen=True)
class _Reader:
    """Reads molecules of sources; what cannot be read or is protected is left out and counted."""

    limit: int | None
    protection: Protection
    counts: Counter[str]

    def read(self, sources: Sequence[str]) -> Iterator[tuple[MoleculeRow, str]]:
        """Yield rows with the canonical SMILES of their molecules; raises DataError where a source holds none."""
        for name in sources:
            source, taken = SOURCES.get(name), Counter[str]()
            if source.kind != "molecules":
                raise DataError(f"source {name!r} holds {source.kind}.", "Name sources of molecules.")
            for row in source.read(source.root()):
                if not isinstance(row, MoleculeRow) or not row.smiles or taken[row.text_kind] == self.limit:
                    continue
                taken[row.text_kind] += 1
                smiles = self._checked(name, row.smiles)
                if smiles is not None:
                    yield row, smiles

    def procedures(self, sources: Sequence[str]) -> Iterator[tuple[RawRow, str]]:
        """Yield reactions with a procedure, and their products; raises DataError where a source holds none."""
        for name in sources:
            source, taken = SOURCES.get(name), 0
            if source.kind != "reactions":
                raise DataError(f"source {name!r} holds {source.kind}.", "Name sources of reactions.")
            for row in source.read(source.root()):
                if not isinstance(row, RawRow) or not row.procedure or taken == self.limit:
                    continue
                taken += 1
                made = clean(row, name)
                if isinstance(made, Rejection):
                    self.counts[f"{name}: {made.reason}"] += 1
                elif (holder := self.protection.holder_of(made.keys)) is not None:
                    self.counts[f"{name}: leak: a reaction of {holder}"] += 1
                else:
                    yield row, made.keys.products[0]

    def named(self, row: RawRow) -> dict[str, str]:
        """Return name -> SMILES of the compounds of a procedure, without those that are unreadable or protected."""
        source = row.id.partition(":")[0]
        checked = {name: self._checked(source, smiles) for name, smiles in dict(row.names).items()}
        return {name: smiles for name, smiles in checked.items() if smiles is not None}

    def _checked(self, source: str, text: str) -> str | None:
        """Return a canonical spelling; None, and a count, where there is none or the molecule is protected."""
        try:
            smiles = canonicalize(text)
            holder = self.protection.holder(smiles)
        except ChemistryError:
            self.counts[f"{source}: unreadable"] += 1
            return None
        if holder is not None:
            self.counts[f"{source}: leak: a molecule of {holder}"] += 1
            return None
        return smiles


def _train_smiles(placed: Sequence[Placed]) -> Iterator[str]:
    for split, _, row in placed:
        if split == "train":
            yield from row.molecules
            last = row.text if isinstance(row, RunningText) else row.turns[-1].content
            if not is_text(last):
                yield last


def _split(smiles: str, valid_share: float) -> str:
    """Return the split of a molecule, which depends on the molecule alone."""
    unit = int.from_bytes(hashlib.sha256(smiles.encode()).digest()[:8]) / 2**64
    return "valid" if unit < valid_share else "train"
