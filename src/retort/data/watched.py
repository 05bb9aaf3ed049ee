"""The validation rows that training watches: part A, every task alike, drawn with a seed."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from retort.data.clean import unfit_for_training
from retort.data.examples import fits
from retort.data.records import Record
from retort.data.sampling import draw
from retort.prompting.task import Task

PART = "valid_a"


@dataclass(order=True)
class _Drawn:
    negative: float  # of the record's number, so that the heap gives up the largest first
    place: int
    record: Record = field(compare=False)


def draw_watched(
    records: Iterable[Record], tasks: Sequence[Task], rows: int, max_tokens: int, seed: int
) -> list[tuple[Task, Record]]:
    """Return at most ``rows // len(tasks)`` records of part A for each task, in a random order; one pass, no more kept.

    Args:
        records: Records of any part.
        tasks: What is asked.
        rows: Most rows of all tasks together.
        max_tokens: Longer records are not watched.
        seed: Of the draw.
    """
    most = rows // len(tasks) if tasks else 0
    heaps: list[list[_Drawn]] = [[] for _ in tasks]
    for place, record in enumerate(records):
        if record.split != PART or unfit_for_training(record, max_tokens) is not None:
            continue
        for task, heap in zip(tasks, heaps, strict=True):
            if fits(task, record):
                number = draw(seed, f"{task.name}:{record.source}", record.id)
                heapq.heappush(heap, _Drawn(-number, -place, record))
                if len(heap) > most:
                    heapq.heappop(heap)
    return [
        (task, found.record) for task, heap in zip(tasks, heaps, strict=True) for found in sorted(heap, reverse=True)
    ]
