"""The instruction library of a data set: the wordings that its own rows carry, sorted by task.

Only train rows are read, so that no held-out row shapes a prompt. Rows of kinds that are no task here are counted and
left out; reaction rows and molecule rows have no instruction and are left out too.
"""

from collections import Counter
from collections.abc import Iterable

from retort.data.records import SourceRow, TextRow
from retort.errors import DataError
from retort.prompting.template import Library

TASK_OF_KIND = {
    "forward reaction prediction": "forward_prediction",
    "retrosynthesis": "retrosynthesis",
    "reagent prediction": "reagent_prediction",
}


def instruction_library(name: str, rows: Iterable[SourceRow]) -> tuple[Library, Counter[str]]:
    """Return the library of a source's train rows, and kind -> number of train rows that are no task of ours.

    Args:
        name: Name of the source, for reports.
        rows: The rows as the source yields them.

    Raises:
        DataError: No train row has an instruction of a task, or one task has none at all.
    """
    pairs: dict[tuple[str, str], None] = {}
    left_out: Counter[str] = Counter()
    for row in rows:
        if row.split not in ("train", "all"):
            continue
        task = TASK_OF_KIND.get(row.kind) if isinstance(row, TextRow) else None
        if task is None or not isinstance(row, TextRow):
            left_out[row.kind if isinstance(row, TextRow) else "without instruction"] += 1
        else:
            pairs[task, row.instruction] = None
    if not pairs:
        raise DataError(f"source {name!r} has no train row with an instruction.", "Take this package's own library.")
    return Library.from_rows(name, pairs), left_out
