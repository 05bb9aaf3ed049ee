"""Work in order, with processes where more than one is asked for."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
_WATCH_SECONDS = 1.0


@dataclass(frozen=True)
class Crew:
    """Processes that share the work of every stage; without a pool the calling process does it."""

    pool: ProcessPoolExecutor | None
    window: int

    def map(self, work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Yield ``work(item)`` in the order of the items; no more than ``window`` items wait in memory."""
        if self.pool is None:
            yield from map(work, items)
            return
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(self.pool.submit(work, item))
                if len(waiting) >= self.window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """Start ``workers`` processes, none for one worker.

    Processes are spawned, not forked: a fork beside the threads of a table library may never wake. They leave when
    the process that started them is gone, however it went.
    """
    if workers <= 1:
        yield Crew(None, 1)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_with_parent) as pool:
        yield Crew(pool, 2 * workers)


def _leave_with_parent() -> None:
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)
