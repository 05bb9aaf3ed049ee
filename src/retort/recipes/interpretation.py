"""What the types of an elicitation mean: records, labels of their rows, profiles, names and typical reactions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from retort.chem.functional_groups import changes
from retort.chem.templates import NoTemplate
from retort.config import build
from retort.data.collate import PreparedFolder
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.elicitation import storage
from retort.elicitation.checks import LabelError, Labels
from retort.elicitation.frozen import FrozenTypes
from retort.elicitation.interpret import Agreement, Profile, agreement_with_classes, exemplars, named, profiles
from retort.elicitation.vectors import Origin, TextVectors
from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.prompting.reaction_classes import CLASS_NAMES
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.elicitation_config import ElicitConfig
from retort.recipes.row_types import records_of_rows
from retort.recipes.template_vocabulary import extract_templates

_STREAM = 0x9A3E


@dataclass(frozen=True, eq=False)
class Run:
    """An elicitation that has ended.

    Attributes:
        folder: Its output.
        config: What it was told.
        tasks: What ``cells.json`` says of every task.
    """

    folder: Path
    config: ElicitConfig
    tasks: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Read the table of an elicitation; raises ModelError where there is none."""
        path = folder / "cells.json"
        try:
            values = json.loads(path.read_text("utf-8"))
            config = {key: value for key, value in values["config"].items() if value is not None}
            return cls(folder, build(ElicitConfig, config, str(path)), values["tasks"])
        except (OSError, ValueError, KeyError, ConfigError) as error:
            raise ModelError(f"{str(folder)!r} is no finished elicitation: {error}.", "Run `retort elicit`.") from error

    def types(self, task: str) -> FrozenTypes:
        """Return the chosen types of a task."""
        return FrozenTypes.load(self.folder / "types" / task)

    def cell(self, task: str, encoding: str, types: int) -> FrozenTypes | None:
        """Return the types of a cell that was measured on all rows; None where it was not."""
        rows = self.tasks[task]["rows"]
        rounds = self.folder / "cells" / task / f"{encoding}-{types}" / f"rows-{rows}"
        row = next((r for r in self.tasks[task]["cells"] if (r["encoding"], r["types"]) == (encoding, types)), None)
        return None if row is None else FrozenTypes.load(rounds / f"round-{row['best_round']}")

    def vectors(self, task: str, types: FrozenTypes) -> TextVectors:
        """Return the first encoder's vectors of the rows.

        Raises:
            ModelError: They are gone, or the types are of an encoder that has learned since.
        """
        settings, arrays = storage.read(self.folder / "vectors" / f"{task}.npz", "retort-vectors", 1)
        origin = Origin(settings["encoder"], settings["rows"])
        if origin.encoder != types.card.encoder_sha256:
            raise ModelError("the types are of an encoder that has learned; vectors are kept of the first alone.")
        return TextVectors(arrays["inputs"], arrays["outputs"], arrays.get("joined"), origin)


@dataclass(frozen=True, eq=False)
class Meaning:
    """What the types of one task mean.

    Attributes:
        types: The frozen types, with their names.
        profiles: One per type.
        classes: Curated class of each row, 0 where unknown, int64 [n].
        agreement: With the classes; None where no row has one.
        typical: Records nearest to each type's centroid.
        sampled: Rows that groups and templates were looked at of.
    """

    types: FrozenTypes
    profiles: Sequence[Profile]
    classes: Labels
    agreement: Agreement | None
    typical: Sequence[Sequence[Record]]
    sampled: int


def meaning(run: Run, task: str, *, sample: int, shown: int, seed: int = 0) -> Meaning:
    """Interpret the chosen types of a task.

    Args:
        run: The elicitation.
        task: Whose types.
        sample: Most rows whose groups and templates are looked at, drawn with the seed.
        shown: Typical reactions of each type.
        seed: Of the draw.

    Raises:
        DataError: The prepared folder is another one, or has no records.
        ModelError: The run is damaged.
    """
    types, prepared = run.types(task), run.config.prepared
    folder = PreparedFolder.open(prepared)
    words = Vocabulary.load(prepared / checkpoint.VOCABULARY)
    wanted = set(run.config.sources)
    records = [r for r in read_records(prepared / "records.parquet") if not wanted or r.source in wanted]
    rows = records_of_rows(folder, task, words, types.train.rows, records)
    labels, classes = types.train.labels, np.array([row.reaction_class or 0 for row in rows], np.int64)
    chosen = np.sort(np.random.default_rng([seed, _STREAM]).permutation(len(rows))[:sample])
    marks = _marks([rows[i] for i in chosen.tolist()], run.folder)
    found = profiles(labels[chosen], types.card.types, marks)
    vectors = run.vectors(task, types).behind(types.projection, types.card.encoding).values
    groups = np.unique([".".join(row.reaction.products) for row in rows], return_inverse=True)[1]
    near = exemplars(vectors, labels, types.clustering.centroids, groups, shown)
    typical = [[rows[i] for i in places.tolist()] for places in near]
    named_types = replace(types, card=replace(types.card, names=named(found)))
    return Meaning(named_types, found, classes, _agreement(labels, classes, types.card.types), typical, len(chosen))


def keep_names(run: Run, task: str, found: Meaning) -> None:
    """Write the names into the frozen types, whose encoder stays as it is."""
    folder = run.folder / "types" / task
    encoder = found.types.encoder_folder(folder)
    found.types.save(folder, encoder)


def _agreement(labels: Labels, classes: Labels, types: int) -> Agreement | None:
    try:
        return agreement_with_classes(labels, classes, types)
    except LabelError:
        return None


def _marks(rows: Sequence[Record], cache: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return the labels of rows: groups made and broken, curated class, template."""
    changed = [changes(row.reaction.reactants, row.reaction.products) for row in rows]
    mapped = [row.mapped for row in rows if row.mapped]
    templates = extract_templates(mapped, cache, 1, lambda _: None) if mapped else {}
    found = [templates.get(row.mapped or "", NoTemplate("no atom map")) for row in rows]
    return {
        "groups": [
            (*(f"{name} made" for name in sorted(made)), *(f"{name} broken" for name in sorted(broken)))
            for made, broken in changed
        ],
        "classes": [(CLASS_NAMES[row.reaction_class],) if row.reaction_class in CLASS_NAMES else () for row in rows],
        "templates": [() if isinstance(template, NoTemplate) else (template,) for template in found],
    }
