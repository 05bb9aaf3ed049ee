"""What stands beside a model that learned from labelled rows: keys, test rows, and figures next to the baselines."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort.data.labelled import Labelled, LabelledRows
from retort.data.splits import TEST, TRAIN, VALID_PARTS
from retort.evaluation.predictions import Header, Prediction, Predictions
from retort.evaluation.reports import report
from retort.inference.proposer import Proposer
from retort.inference.proposers.nearest_reaction import NearestReaction
from retort.inference.proposers.popularity import Popularity
from retort.inference.questions import membership_key, write_seen
from retort.inference.training_answers import TrainingAnswers
from retort.prompting.candidates import WHOLE_LIST
from retort.prompting.task import Question, Task
from retort.recipes.evaluate import as_candidate

CALIBRATION = VALID_PARTS[-1]
TOP_K = 10


@dataclass(frozen=True)
class HeldOut:
    """Figures of held-out rows.

    Attributes:
        values: Plain values: counts of rows, then part and source -> who answered -> figures with their intervals.
    """

    values: Mapping[str, Any]

    def save(self, path: Path, **more: Any) -> None:
        """Write the figures, with what else is to be told of them."""
        path.write_text(json.dumps({**self.values, **more}, indent=1, default=str) + "\n", encoding="utf-8")


def write_beside(folder: Path, task: Task, rows: LabelledRows) -> None:
    """Write the keys of the train rows, and tables ``input,target,id`` of the rows to test and to calibrate on."""
    write_seen(folder / f"{task.name}.seen.npy", (membership_key(task, row.given) for row in rows.part(TRAIN)))
    for part in (TEST, CALIBRATION):
        with (folder / f"{task.name}.{part}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["input", "target", "id"])
            writer.writerows((row.given, row.answer, row.id) for row in rows.part(part))


def held_out_figures(task: Task, rows: LabelledRows, proposer: Proposer, parts: Sequence[str]) -> HeldOut:
    """Score a proposer and the baselines on the rows of each part, source by source."""
    train = rows.part(TRAIN)
    pairs = [(row.given, row.answer) for row in train]
    asked: dict[str, Proposer] = {proposer.name: proposer}
    asked["popularity"] = Popularity(TrainingAnswers.gather("popularity", task.name, pairs))
    asked["nearest_reaction"] = NearestReaction(TrainingAnswers.gather("nearest_reaction", task.name, pairs))
    counts = Counter(f"{row.source}/{row.part}" for row in rows.rows)
    figures: dict[str, Any] = {}
    for part in parts:
        for source in sorted({row.source for row in rows.part(part)}):
            held = [row for row in rows.part(part) if row.source == source]
            figures[f"{source}/{part}"] = {name: figures_of(task, who, held) for name, who in asked.items()}
    return HeldOut({"task": task.name, "rows": dict(counts), "dropped": dict(rows.dropped), "figures": figures})


def figures_of(task: Task, proposer: Proposer, held: Sequence[Labelled]) -> dict[str, Any]:
    """Return ``n``, metrics, intervals and counts of status of one proposer on some rows."""
    return report(predicted(task, proposer, held), _asked(task)).as_dict()


def _asked(task: Task) -> int:
    """Return how many answers a task is asked for."""
    if task.ranked_by:
        return WHOLE_LIST
    return 1 if task.answer_kind == "value" else TOP_K


def predicted(task: Task, proposer: Proposer, held: Sequence[Labelled]) -> Predictions:
    """Ask a proposer the rows; return its answers as a file of predictions would hold them."""
    top_k = _asked(task)
    found = proposer.propose([Question(task.name, row.given) for row in held], top_k)
    answers = [tuple(as_candidate(proposal) for proposal in one.candidates[:top_k]) for one in found]
    rows = tuple(
        Prediction(i, row.given, row.answer, "ok" if said else "no_answer", one.declined, said)
        for i, (row, one, said) in enumerate(zip(held, found, answers, strict=True))
    )
    return Predictions(Header(task.name, proposer.name, top_k, task.answer_kind), rows)
