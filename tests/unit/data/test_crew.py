"""Work comes back in order, is not read ahead without end, and its errors arrive."""

import math
from collections.abc import Iterator

import pytest

from retort.data.crew import Crew, crew


def numbers(limit: int, taken: list[int]) -> Iterator[int]:
    for item in range(limit):
        taken.append(item)
        yield item


def test_order_is_kept_and_no_more_than_the_window_waits() -> None:
    with crew(2) as workers:
        taken: list[int] = []
        results = workers.map(math.factorial, numbers(50, taken))
        assert next(results) == 1
        assert len(taken) <= 2 * workers.window
        assert list(results) == [math.factorial(n) for n in range(1, 50)]
        with pytest.raises(ValueError, match="negative"):
            list(workers.map(math.factorial, [3, -1, 4]))
        assert list(workers.map(math.factorial, [5])) == [120], "an error does not end the crew"


def test_one_worker_is_the_process_itself() -> None:
    with crew(1) as workers:
        assert workers == Crew(None, 1)
        seen: list[int] = []
        assert list(workers.map(seen.append, [1, 2])) == [None, None]
        assert seen == [1, 2]
