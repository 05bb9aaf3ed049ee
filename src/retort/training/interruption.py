"""SIGINT and SIGTERM as a request to end, which the loop follows when it is ready."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_signals(request: Callable[[], None]) -> Iterator[None]:
    """Call ``request`` on SIGINT and SIGTERM within the block; outside the main thread signals are left alone."""
    in_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if in_main else ()
    old = {number: signal.signal(number, lambda *_: request()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
