"""The types of every row of a study: clusters, what the annotator reads, and curated classes, part by part.

``python -m retort.recipes.row_types CONFIG.toml [KEY=VALUE]...`` writes one file per clustering, from which all sources
of knowledge are taken (:mod:`retort.elicitation.knowledge`). Held-out rows are read from their inputs; their clusters
are there for bounds. Reading such a file needs numpy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retort.config import load, option
from retort.data.collate import PreparedFolder
from retort.elicitation import storage
from retort.elicitation.checks import Labels
from retort.elicitation.frozen import CARD, FrozenTypes
from retort.elicitation.knowledge import RowTypes
from retort.elicitation.vectors import Pair, TextVectors, pooled_texts
from retort.errors import DataError, ModelError
from retort.models import checkpoint
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.elicitation_rows import canonical_pairs
from retort.recipes.entry import run_with_config

if TYPE_CHECKING:
    from retort.data.records import Record

KIND, VERSION = "retort-row-types", 1
TRAIN = "train"
_SETTINGS = ("task", "encoding", "sha256", "vocabulary_sha256")
Ids = NDArray[np.str_]


@dataclass(frozen=True)
class RowTypesConfig:
    """Types to look up."""

    prepared: Path = option(help="prepared folder that the types were elicited from")
    types: tuple[Path, ...] = option(help="folders of frozen types of one task and one encoder")
    output: Path = option(help="folder that receives <encoding>-<types>.npz of each")
    source: str = option("uspto_50k", help="source whose held-out rows are looked up")
    parts: tuple[str, ...] = option(("valid_a", "test"), help="held-out parts")


@dataclass(frozen=True, eq=False)
class Part:
    """The types of one part.

    Attributes:
        ids: Identifiers of the records, [n].
        types: What is known of them.
        pairs: Source and target ids of each in canonical spelling, without class or type; none of train rows, which
            the prepared folder has.
    """

    ids: Ids
    types: RowTypes
    pairs: Sequence[Pair] = ()

    def first(self, count: int | None) -> "Part":
        """Return the first rows; all of them without a number."""
        kept = range(len(self.ids))[:count]
        return Part(self.ids[:count], self.types.take(kept), self.pairs[:count])


@dataclass(frozen=True, eq=False)
class TypesOfRows:
    """The types of the rows of a study.

    Attributes:
        task: Their task.
        encoding: What was clustered.
        sha256: Checksum of the frozen types.
        vocabulary_sha256: Of the vocabulary of the pairs.
        rows: Numbers of the train rows in the prepared folder, int64 [n].
        parts: Of ``train`` and of each held-out part.
    """

    task: str
    encoding: str
    sha256: str
    vocabulary_sha256: str
    rows: Labels
    parts: Mapping[str, Part]

    @property
    def train(self) -> RowTypes:
        """The types of the train rows."""
        return self.parts[TRAIN].types

    def held_out(self, part: str) -> Part:
        """Return a held-out part; raises DataError where it was not looked up."""
        if part not in self.parts or part == TRAIN:
            raise DataError(f"there are no types of the part {part!r}.", f"There are: {', '.join(self.parts)}.")
        return self.parts[part]

    def save(self, path: Path) -> None:
        """Write one file; raises OutputError where it cannot be written."""
        arrays: dict[str, NDArray[Any]] = {"rows": self.rows}
        for name, part in self.parts.items():
            arrays |= {f"{name}.ids": part.ids, f"{name}.labels": part.types.labels}
            arrays |= {f"{name}.read": part.types.read, f"{name}.classes": part.types.classes}
            sides = [np.asarray(ids, np.uint16) for pair in part.pairs for ids in pair]
            arrays[f"{name}.tokens"] = np.concatenate([np.zeros(0, np.uint16), *sides])
            arrays[f"{name}.offsets"] = np.cumsum([0, *map(len, sides)]).astype(np.int64)
        settings = {name: getattr(self, name) for name in _SETTINGS} | {"parts": list(self.parts)}
        storage.write(path, KIND, VERSION, settings, arrays)

    @classmethod
    def load(cls, path: Path) -> "TypesOfRows":
        """Read a file; raises ModelError where it is missing, damaged or inconsistent."""
        settings, arrays = storage.read(path, KIND, VERSION)
        try:
            parts = {name: _part(arrays, name) for name in settings["parts"]}
            task, encoding, sha256, vocabulary = (settings[name] for name in _SETTINGS)
            return cls(task, encoding, sha256, vocabulary, arrays["rows"], parts)
        except (KeyError, TypeError) as error:
            raise ModelError(f"{str(path)!r} lacks {error}.", "Look the types up again.") from error


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> Part:
    types = RowTypes(*(arrays[f"{name}.{key}"] for key in ("labels", "read", "classes")))
    sides = np.split(arrays[f"{name}.tokens"], arrays[f"{name}.offsets"][1:-1])
    pairs = [(sides[i], sides[i + 1]) for i in range(0, len(sides) - 1, 2)]
    return Part(arrays[f"{name}.ids"], types, pairs)


def write_row_types(config: RowTypesConfig) -> Path:
    """Write one file per folder of types; return the output folder.

    Raises:
        DataError: The prepared folder is not the one the types are of, or a row has no record.
        ModelError: The types are damaged, or of different tasks or encoders.
        MissingExtraError: torch is not installed.
    """
    from retort.data.prepare import read_records

    frozen = [FrozenTypes.load(folder) for folder in config.types]
    _refuse_unlike(frozen, config.types)
    task, model = frozen[0].card.task, frozen[0].encoder_folder(config.types[0])
    records = [r for r in read_records(config.prepared / "records.parquet") if r.source == config.source]
    words = Vocabulary.load(model / checkpoint.VOCABULARY)
    train = _train_records(PreparedFolder.open(config.prepared), task, words, frozen[0].train.rows, records)
    held = {part: _held_out(config.source, task, part, records, words) for part in config.parts}
    texts = _embedded(model, held, joined=any(types.card.encoding == "concat_text" for types in frozen))
    for types, place in zip(frozen, config.types, strict=True):
        parts = {TRAIN: _of_train(types, train)}
        parts |= {part: _of_held_out(types, texts[part], rows) for part, rows in held.items()}
        card = types.card
        sha256 = checkpoint.file_sha256(place / CARD)
        found = TypesOfRows(task, card.encoding, sha256, words.sha256, types.train.rows, parts)
        found.save(config.output / f"{card.encoding}-{card.types}.npz")
    return config.output


def _refuse_unlike(frozen: Sequence[FrozenTypes], places: Sequence[Path]) -> None:
    """Refuse types that cannot be looked up together."""
    if not frozen:
        raise DataError("there are no types to look up.", "Name at least one folder.")
    first = frozen[0]
    for types, place in zip(frozen, places, strict=True):
        if types.head is None:
            raise ModelError(f"the types of {str(place)!r} are not read by a probe.", "Elicit them with reading=probe.")
        alike = (types.card.task, types.card.encoder_sha256) == (first.card.task, first.card.encoder_sha256)
        if not alike or not np.array_equal(types.train.rows, first.train.rows):
            raise ModelError(f"the types of {str(place)!r} are of another task, encoder or rows than the first.")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Held-out rows: their records, and both sides as token ids."""

    records: "Sequence[Record]"
    pairs: Sequence[Pair]


def _held_out(source: str, task: str, part: str, records: "Sequence[Record]", words: Vocabulary) -> _Rows:
    from retort.data.examples import canonical_example, fits
    from retort.prompting.task import TASKS

    asked = TASKS.get(task)
    rows = [record for record in records if record.split == part and fits(asked, record)]
    if not rows:
        raise DataError(f"{source!r} has no rows of {task} in the part {part!r}.")
    examples = [canonical_example(asked, record, place) for place, record in enumerate(rows)]
    return _Rows(rows, [(words.encode(e.prompt), words.encode(e.target)) for e in examples])


def _embedded(model: Path, held: Mapping[str, _Rows], *, joined: bool) -> dict[str, TextVectors]:
    from retort.models.device import pick_device

    network = checkpoint.load(model).network.to(pick_device("auto"))
    return {part: pooled_texts(network, rows.pairs, joined=joined) for part, rows in held.items()}


def _train_records(
    folder: PreparedFolder, task: str, words: Vocabulary, rows: Labels, records: "Sequence[Record]"
) -> "list[Record]":
    """Return the record of each train row; the folder keeps rows in the order of their records."""
    from retort.data.examples import canonical_example, fits
    from retort.prompting.task import TASKS

    asked = TASKS.get(task)
    waiting = (r for r in records if r.split == TRAIN and fits(asked, r))
    found: dict[int, Record] = {}
    numbers = np.sort(rows).tolist()
    for number, (source, _) in zip(numbers, canonical_pairs(folder.split(TRAIN), np.sort(rows)), strict=True):
        prompt = words.decode([int(token) for token in source])
        match = next((r for r in waiting if canonical_example(asked, r, 0).prompt == prompt), None)
        if match is None:
            raise DataError(f"train row {number} has no record.", "The types are of another prepared folder.")
        found[number] = match
    return [found[number] for number in rows.tolist()]


def _ids(records: "Sequence[Record]") -> Ids:
    return np.array([record.id for record in records])


def _classes(records: "Sequence[Record]") -> Labels:
    return np.array([record.reaction_class or 0 for record in records], np.int64)


def _of_train(types: FrozenTypes, records: "Sequence[Record]") -> Part:
    read = types.train.out_of_fold.astype(np.float64)
    read /= read.sum(axis=1, keepdims=True)
    return Part(_ids(records), RowTypes(types.train.labels, read, _classes(records)))


def _of_held_out(types: FrozenTypes, texts: TextVectors, rows: _Rows) -> Part:
    assert types.head is not None
    read = types.head.probabilities(texts.inputs)
    return Part(_ids(rows.records), RowTypes(types.of_known(texts), read, _classes(rows.records)), rows.pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: write_row_types(load(RowTypesConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
