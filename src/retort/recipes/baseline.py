"""Answer held-out rows without learning: by popularity, or by the nearest training question.

``python -m retort.recipes.baseline popularity|nearest_neighbour TASK PREPARED INPUT.csv PREDICTIONS.jsonl`` keeps the
predictions and prints the same report as ``retort evaluate --format json``. A task counts as trained only where a
model beats both.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.splits import TRAIN
from retort.data.tables import read_table
from retort.errors import RetortError, UnknownNameError, UsageError
from retort.evaluation import predictions as files
from retort.evaluation.baselines import nearest_neighbour, popularity
from retort.evaluation.scoring import Report, score
from retort.prompting.task import TASKS

TOP_K = 10
NAMES = ("popularity", "nearest_neighbour")


def baseline(name: str, task_name: str, prepared: Path, rows: Path, output: Path) -> Report:
    """Answer every row of a table with ``input`` and ``target``, keep the predictions, and score them.

    Raises:
        UnknownNameError: There is no such baseline or task.
        DataError: The prepared folder cannot be read.
        InputFileError: The table cannot be read.
    """
    task = TASKS.get(task_name)
    train = [r.reaction for r in read_records(prepared / "records.parquet") if r.split == TRAIN and fits(task, r)]
    table = read_table(rows)
    queries, targets = table["input"].to_list(), table["target"].to_list()
    if name == "popularity":
        favourites = popularity([task.wanted(reaction) for reaction in train], TOP_K)
        answers = [favourites] * len(queries)
    elif name == "nearest_neighbour":
        answers = nearest_neighbour([(task.given(r), task.wanted(r)) for r in train], queries, TOP_K)
    else:
        raise UnknownNameError("baseline", name, NAMES)
    header = files.Header(task.name, name, TOP_K)
    with files.PredictionWriter(output, header) as writer:
        for index, (query, target, found) in enumerate(zip(queries, targets, answers, strict=True)):
            status: files.Status = "ok" if found else "no_answer"
            message = "" if found else "no neighbour shares a bit with the query."
            writer.write(files.Prediction(index, query, target, status, message, tuple(found)))
    return score(files.read(output), TOP_K)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if len(arguments) != 5:
            raise UsageError("five arguments are needed: NAME TASK PREPARED INPUT PREDICTIONS.")
        name, task, *paths = arguments
        print(json.dumps(baseline(name, task, *map(Path, paths)).as_dict()))
    except RetortError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
