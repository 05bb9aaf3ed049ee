"""The arms of a comparison of sources of knowledge, and what a ranker is told in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retort.data.records import Record
from retort.elicitation.knowledge import Knowledge, RowTypes, told
from retort.elicitation.vectors import CONTROL
from retort.errors import DataError
from retort.models.ranker import Floats
from retort.recipes.row_types import TypesOfRows


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of being told: a source of knowledge, the number of types (0: no elicited ones), and whether mixed."""

    knowledge: Knowledge
    types: int = 0
    mixed: bool = False

    @property
    def name(self) -> str:
        """What its files are called."""
        return "-".join([self.knowledge, *([str(self.types)] if self.types else []), *(["mixed"] * self.mixed)])

    @property
    def way(self) -> str:
        """How its answers are made."""
        return "mixture" if self.mixed else "plain"

    @property
    def learned(self) -> str:
        """What its network is called: the arm whose train rows are told the same."""
        return Arm("oracle" if self.knowledge == "predicted" else self.knowledge, self.types).name


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the types of the rows that are used.

    Attributes:
        train: Of the train rows.
        held_out: Of the held-out rows.
        sha256: Checksum of the types; empty where there are classes alone.
        encoding: What was clustered; empty where there are classes alone.
    """

    train: RowTypes
    held_out: RowTypes
    sha256: str = ""
    encoding: str = ""

    @property
    def inputs(self) -> bool:
        """Whether the clusters are those of the inputs."""
        return self.encoding == CONTROL

    def columns(self, arm: Arm, seed: int) -> tuple[Floats | None, Floats | None]:
        """Return the shares that train and held-out rows are told in an arm."""
        found = told(arm.knowledge, self.train, self.held_out, seed=seed, inputs=self.inputs)
        if found.train is None or found.held_out is None:
            return None, None
        held_out = self.held_out.read if arm.mixed else found.held_out
        return found.train.astype(np.float32), held_out.astype(np.float32)


def looked_up(file: TypesOfRows, records: Sequence[Record]) -> RowTypes:
    """Return the types of records, in their order.

    Raises:
        DataError: Some record has none.
    """
    parts = list(file.parts.values())
    places = {name: i for i, name in enumerate(np.concatenate([part.ids for part in parts]).tolist())}
    missing = sum(record.id not in places for record in records)
    if missing:
        raise DataError(f"{missing} of {len(records)} rows have no types.", "Look the types up for all parts.")
    joined = RowTypes(
        *(np.concatenate([getattr(p.types, key) for p in parts]) for key in ("labels", "read", "classes"))
    )
    return joined.take([places[record.id] for record in records])


def of_classes(records: Sequence[Record]) -> RowTypes:
    """Return what is known where no types were elicited: the curated classes, and one type for all."""
    classes = np.array([record.reaction_class or 0 for record in records], np.int64)
    return RowTypes(np.zeros(len(records), np.int64), np.ones((len(records), 1)), classes)
