"""The rows of a suite's parts as tables, and the baselines that answer from their train rows as model folders.

Both are made once: a part's folder holds ``test.csv`` (``input,target,id``), ``baselines/<kind>/``, and ``facts.json``,
which is written last and says what they were made from.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from retort import __version__
from retort.chem.fingerprints import Fingerprint
from retort.data.labelled import Labelled, LabelledSource, read_labelled
from retort.data.lists import read_lists
from retort.data.source import SOURCES
from retort.data.splits import TEST, TRAIN, HoldOut
from retort.errors import MissingExtraError, OutputError
from retort.evaluation.suite import Baseline, Part
from retort.inference.model_folder import seal
from retort.inference.questions import membership_key
from retort.inference.training_answers import TrainingAnswers
from retort.models.boosted import ModelMeta
from retort.models.candidate_means import CandidateMeans
from retort.models.checkpoint import replacing
from retort.models.ranker import SparseRows
from retort.models.trees import Growth
from retort.prompting.candidates import reactions_of
from retort.prompting.task import TASKS, Task
from retort.prompting.vocabulary import words_of
from retort.training.boosted import grow_classes, grow_values

Say = Callable[[str], None]
WORDS: dict[Baseline, str] = {
    "popularity": "the most frequent answers of the train rows; of numbers, their mean; candidates by theirs",
    "nearest_reaction": "the answers of the most similar train rows, by Tanimoto of Morgan bits",
    "nearest_molecule": "the answers of the most similar train molecules, by Tanimoto of Morgan bits",
    "nearest_text": "the answers of the train rows with the most similar words, by Tanimoto of their letter triples",
    "boosted_trees": "gradient-boosted trees (LightGBM) on counts of Morgan environments of the train rows",
}
_CLASSES = (Fingerprint("reaction", 4096, 2, False, False), Growth(150, 31, 0.1, 5, 0.8, 0.2))
_VALUES = (Fingerprint("conditions", 2048, 2, False, False), Growth(500, 31, 0.05, 5, 0.8, 0.5))


@dataclass(frozen=True)
class PartRows:
    """What a part's folder holds.

    Attributes:
        folder: Where.
        n: Test rows.
        all: Test rows before a sample was drawn.
        train: Train rows that the baselines answer from.
        dropped: Reason -> rows of the source that are in no part.
        asked_before: Test rows whose question is also one of the train rows, without stereo.
        missing: Baseline -> why it could not be made here.
    """

    folder: Path
    n: int
    all: int
    train: int
    dropped: dict[str, int]
    asked_before: int
    missing: dict[str, str]

    @property
    def table(self) -> Path:
        """The test rows."""
        return self.folder / "test.csv"

    def baseline(self, kind: Baseline) -> Path:
        """Return the model folder of a baseline."""
        return self.folder / "baselines" / kind


def rows_of(part: Part, folder: Path, limit: int | None, seed: int, say: Say) -> PartRows:
    """Make a part's folder where it is not there yet.

    Args:
        part: The part.
        folder: Where to make it; what another configuration made is replaced.
        limit: Most test rows, drawn by chance; all where it is None.
        seed: Of that chance.
        say: Told what is done.

    Raises:
        DataError: The source is not here, or has no train rows for the task.
        MissingExtraError: A library that reads the source is not installed.
        OutputError: The folder cannot be written.
    """
    origin = _origin(part, limit, seed)
    known = _facts(folder)
    if known.pop("origin", None) == origin and not known["missing"]:
        return PartRows(folder, **known)
    task = TASKS.get(part.task)
    say(f"reads {', '.join(part.sources)}")
    cut = _cut(task, part)
    chosen = np.arange(len(cut.test))
    if limit is not None:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(cut.test))[:limit])
    test = [cut.test[i] for i in chosen.tolist()]
    missing: dict[str, str] = {}
    facts = {
        "missing": missing,
        "n": len(test),
        "all": len(cut.test),
        "train": len(cut.train),
        "dropped": dict(cut.dropped),
        "asked_before": _asked_before(cut, test),
    }
    with replacing(folder) as place:
        _write_table(place / "test.csv", test)
        for kind in part.baselines:
            say(f"makes the baseline {kind} from {len(cut.train):,} train rows")
            try:
                _make(kind, task, cut, place / "baselines" / kind)
            except MissingExtraError as error:
                missing[kind] = str(error)
        (place / "facts.json").write_text(json.dumps({**facts, "origin": origin}, indent=1) + "\n", "utf-8")
    return PartRows(folder, **facts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Cut:
    """The rows of a part: those that are asked, and those that baselines answer from.

    Attributes:
        asked: Task of the train rows: the part's own, or the one whose numbers rank its candidates.
        test: Rows of the part's task.
        train: Rows of ``asked``.
        sha256: Hash of the train rows.
        dropped: Reason -> rows that are in neither.
        popular: Candidates of train rows with their yields, where the part asks for a ranking.
    """

    asked: Task
    test: Sequence[Labelled]
    train: Sequence[Labelled]
    sha256: str
    dropped: Mapping[str, int]
    popular: Sequence[tuple[str, float]] = ()


def _cut(task: Task, part: Part) -> _Cut:
    """Read and cut the rows of a part; raises DataError where there are none."""
    hold_out = HoldOut(*part.hold_out) if part.hold_out else None
    sources = [LabelledSource(name, part.ordering, part.repeats, hold_out) for name in part.sources]
    if task.ranked_by:
        lists = read_lists(sources[0])
        wells = lists.wells
        return _Cut(TASKS.get(task.ranked_by), lists.test, wells.rows, wells.sha256, wells.dropped, lists.popular)
    rows = read_labelled(task, sources)
    test = [row for row in rows.part(TEST) if part.kind in ("", row.kind)]
    return _Cut(task, test, rows.part(TRAIN), rows.sha256, rows.dropped)


def _asked_before(cut: _Cut, test: Sequence[Labelled]) -> int:
    """Return how many test rows have a question, or a reaction with one of their candidates, among the train rows."""
    keys = {membership_key(cut.asked, row.given) for row in cut.train}
    return sum(any(membership_key(cut.asked, text) in keys for text in reactions_of(row.given)) for row in test)


def _origin(part: Part, limit: int | None, seed: int) -> str:
    """Return a checksum of what a part's folder is made from."""
    values = {name: value for name, value in asdict(part).items() if name not in ("anchors", "shown", "note", "name")}
    files = {file: checksum for name in part.sources for file, checksum in SOURCES.get(name).files.items()}
    text = json.dumps([__version__, values, files, limit, seed], sort_keys=True)
    return sha256(text.encode()).hexdigest()


def _facts(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "facts.json").read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _write_table(path: Path, rows: Sequence[Labelled]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["input", "target", "id"])
            writer.writerows((words_of(row.given), row.answer, row.id) for row in rows)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def _make(kind: Baseline, task: Task, cut: _Cut, folder: Path) -> None:
    """Write the model folder of a baseline."""
    file = folder / f"{task.name}.npz"
    named: str = kind
    if kind == "boosted_trees":
        named = _grow(cut.asked, cut.train, cut.sha256, file)
    elif kind == "popularity" and task.ranked_by:
        named = "candidate_means"
        CandidateMeans.gather(ModelMeta(task.name, {}, cut.sha256, 0, len(cut.train)), cut.popular).save(file)
    else:
        TrainingAnswers.gather(kind, cut.asked.name, [(row.given, row.answer) for row in cut.train]).save(file)
    note = f"This is a baseline: {WORDS[kind]}."
    proposers = {kind: {"kind": named, "file": file.name}}
    tasks = {task.name: {"trained": True, "proposers": [kind], "notes": [note]}}
    seal(folder, {"name": kind, "release": __version__, "proposers": proposers, "tasks": tasks})


def _grow(task: Task, train: Sequence[Labelled], data: str, file: Path) -> str:
    """Grow boosted trees; return the kind of their proposer."""
    fingerprint, growth = _VALUES if task.answer_kind == "value" else _CLASSES
    meta = ModelMeta(task.name, asdict(fingerprint), data, growth.seed, len(train), {"growth": asdict(growth)})
    x = SparseRows(*fingerprint.rows(row.given for row in train), fingerprint.bits)
    if task.answer_kind == "value":
        grow_values(x, np.array([float(row.answer) for row in train]), growth, meta).save(file)
        return "boosted_values"
    classes = sorted({row.answer for row in train})
    y = np.array([classes.index(row.answer) for row in train], np.int64)
    grow_classes(x, y, classes, growth, meta).save(file)
    return "boosted_trees"
