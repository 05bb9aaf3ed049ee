"""The grid of one task: a search over cells, the table of all of them, and the chosen types, frozen.

A cell is an encoding and a number of types. The search measures all cells on few rows and the better ones on more
(successive halving); with ``search.whole_grid`` every cell is then measured on all rows, so that rules can be compared.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retort.config import as_dict
from retort.data.collate import PreparedFolder
from retort.elicitation.clustering import adjusted_rand, stability
from retort.elicitation.frozen import FrozenTypes
from retort.elicitation.selection import Cell, Halving, successive_halving
from retort.elicitation.self_feedback import Encoder, Feedback, Say, TrainRows, self_feedback
from retort.elicitation.vectors import CONTROL, encoding_named
from retort.errors import DataError
from retort.models import checkpoint
from retort.recipes.elicitation_config import PLANTED, ElicitConfig
from retort.recipes.elicitation_rows import Choice, ElicitationRows, chosen_rows
from retort.recipes.elicitation_table import CellFigures, choices, chosen, search_facts
from retort.recipes.type_training import TypeTraining

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_STABILITY_SEEDS = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of one task.

    Attributes:
        config: What is to be elicited.
        rows: The task's rows.
        planted: Planted types of all train rows of the folder; empty where nothing was planted.
        output: Receives one folder per cell.
        say: Told about every round.
    """

    config: ElicitConfig
    rows: ElicitationRows
    planted: Sequence[int]
    output: Path
    say: Say
    _views: "dict[int, TrainRows[PreTrainedModel]]" = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, config: ElicitConfig, folder: PreparedFolder, task: str, start: "Encoder[PreTrainedModel]", say: Say
    ) -> "Grid":
        """Choose the rows of a task.

        Raises:
            UnknownNameError: The folder has no such task or source.
            DataError: There is no such row, or the folder is damaged.
        """
        choice = Choice(task, config.sources, config.rows, config.longest, config.seed)
        numbers, pairs = chosen_rows(folder, choice)
        rows = ElicitationRows(
            choice,
            numbers,
            pairs,
            start,
            config.information,
            "concat_text" in config.encodings,
            config.output / "vectors" / f"{task}.npz",
            _provenance(config, folder, choice, start),
            say,
        )
        return cls(config, rows, folder.manifest.get(PLANTED, ()), config.output / "cells" / task, say)

    def run(self) -> dict[str, Any]:
        """Search, measure, choose and freeze; return what ``cells.json`` says of the task.

        Raises:
            DataError: No cell can be measured.
        """
        task, search = self.rows.choice.task, self.config.search
        self.say(f"{task}: {len(self.rows):,} rows, {len(self.cells)} cells")
        halving = self._search()
        last = halving.rungs[-1]
        failed = {str(cell): reason for rung in halving.rungs for cell, reason in rung.failed.items()}
        table = self._table(self.cells if search.whole_grid else [*last.values, *self.controls], failed)
        competing = [row for row in table if row.cell not in self.controls]
        cell = chosen(search.rule, competing, halving, search.tolerance)
        place = self._freeze(cell)
        self.say(f"{task}: the rule {search.rule!r} chooses {cell}; frozen in {place}")
        return {
            "rows": len(self.rows),
            "cells": [row.as_dict() for row in table],
            "failed": failed,
            "search": search_facts(halving),
            "rules": choices(competing, halving, search.tolerance),
            "chosen": {"encoding": cell.encoding, "types": cell.types, "rule": search.rule},
            "frozen": str(place),
        }

    @property
    def cells(self) -> list[Cell]:
        """All cells."""
        return [Cell(encoding, types) for encoding in self.config.encodings for types in self.config.types]

    @property
    def controls(self) -> list[Cell]:
        """The cells that are measured and never chosen, for their types say nothing of the output."""
        found = [cell for cell in self.cells if cell.encoding == CONTROL]
        return found if len(found) < len(self.cells) else []  # alone, they are what was asked for

    def _search(self) -> Halving[Cell]:
        competing = [cell for cell in self.cells if cell not in self.controls]
        counts = sorted({max(1, round(share * len(self.rows))) for share in self.config.search.rows})

        def measure(cell: Cell, count: float) -> float:
            done = self._loop(cell, int(count))
            return done.rounds[done.best].information

        return successive_halving(competing, counts, measure, keep=self.config.search.keep)

    def _table(self, cells: Sequence[Cell], failed: dict[str, str]) -> list[CellFigures]:
        """Return the figures of cells on all rows; the reason of each that has none is added to ``failed``."""
        table = []
        for cell in cells:
            try:
                table.append(self._figures(cell, self._loop(cell, len(self.rows))))
            except DataError as error:
                failed[str(cell)] = str(error)
        return table

    def _figures(self, cell: Cell, done: Feedback) -> CellFigures:
        kept, types = done.rounds[done.best], FrozenTypes.load(done.folder)
        others: dict[str, Any] = {
            name: kept.held_out[name] for name in ("majority", "macro_f1", "calibration_error", "rows")
        }
        others |= {"out_of_fold_accuracy": kept.out_of_fold_accuracy, "sizes": kept.sizes, "entropy": kept.entropy}
        others |= {"rounds": len(done.rounds), "best_round": done.best, "stop": done.stop}
        others |= {"encoder_sha256": kept.encoder_sha256, "stability": self._stability(cell, types)}
        if len(self.planted):
            truth = np.asarray(self.planted, np.int64)[types.train.rows]
            others["planted_adjusted_rand"] = adjusted_rand(types.train.labels, truth)
        return CellFigures(cell, kept.information, kept.standard_error, kept.held_out["accuracy"], others)

    def _stability(self, cell: Cell, types: FrozenTypes) -> dict[str, float]:
        """Return how alike clusterings of resampled rows are, with the vectors of the start."""
        vectors = self.rows.texts.behind(types.projection, encoding_named(cell.encoding)).values
        found = stability(vectors, cell.types, _STABILITY_SEEDS)
        return {"mean": found.mean, "lowest": found.lowest}

    def _loop(self, cell: Cell, count: int) -> Feedback:
        """Run the rounds of a cell, or read them; on a part of the rows there is one, for a search has to be cheap."""
        whole = count == len(self.rows)
        feedback = self.config.feedback if whole else replace(self.config.feedback, rounds=1)
        update = self._training(cell) if feedback.rounds > 1 else None
        place, start = self._place(cell) / f"rows-{count}", self.rows.start
        return self_feedback(cell, self._first(count), start, feedback, place, update=update, say=self.say)

    def _place(self, cell: Cell) -> Path:
        return self.output / f"{cell.encoding}-{cell.types}"

    def _first(self, count: int) -> "TrainRows[PreTrainedModel]":
        if count not in self._views:
            self._views[count] = self.rows.first(count)
        return self._views[count]

    def _training(self, cell: Cell) -> TypeTraining:
        start = self.rows.start.folder
        assert start is not None
        return TypeTraining(
            start,
            [source for source, _ in self.rows.pairs],
            self._first(len(self.rows)).parts(self.config.feedback),
            cell.types,
            self.rows.choice.task,
            self.config.training,
            self._place(cell) / f"rows-{len(self.rows)}",
        )

    def _freeze(self, cell: Cell) -> Path:
        """Keep the best round of a cell, with the model that reads its types."""
        done = self._loop(cell, len(self.rows))
        types = FrozenTypes.load(done.folder)
        model = types.encoder_folder(done.folder)
        if self.config.reading == "scored":
            from retort.recipes.scored_types import scored_types

            types, model = scored_types(types, self._training(cell), done.best)
        provenance = {**types.card.provenance, "rule": self.config.search.rule, "stop": done.stop}
        place = self.config.output / "types" / self.rows.choice.task
        replace(types, card=replace(types.card, provenance=provenance)).save(place, model)
        return place


def _provenance(
    config: ElicitConfig, folder: PreparedFolder, choice: Choice, start: "Encoder[PreTrainedModel]"
) -> dict[str, Any]:
    """Return what all figures of a task depend on, beside the settings of the loop."""
    assert start.folder is not None
    files = folder.manifest["files"]
    learned = config.feedback.rounds > 1
    return {
        "prepared": {name: files.get(f"train.{name}.npy") for name in ("tokens", "offsets", "tasks", "sources")},
        "choice": json.loads(json.dumps(asdict(choice))),
        "information": as_dict(config.information),
        "start": checkpoint.weights_sha256(start.folder),
        "training": as_dict(config.training) if learned else None,
    }
