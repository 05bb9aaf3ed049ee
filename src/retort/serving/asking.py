"""The one seam between a server and the model: what is asked, and how many queries are asked at once.

:class:`Ask` holds everything but the query; queries of equal asks that arrive together are answered by one call of
the model. The model answers one call at a time, in a thread of its own, so the event loop stays free. Batch jobs take
turns with clients call by call: a client waits for one chunk of a job at most.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from retort.errors import RetortError
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS
from retort.serving.problems import RefusalError, busy, closing
from retort.serving.settings import ServeConfig

LOG = logging.getLogger("retort.serving")
Outcome: TypeAlias = Prediction | Exception


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of every query of a call.

    Attributes:
        task: Full name of the task.
        top_k: Candidates per query at most.
    """

    task: str
    top_k: int


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    ask: Ask
    query: str
    outcome: "asyncio.Future[Prediction]"


def answer(predictor: Predictor, ask: Ask, queries: Sequence[str]) -> list[Prediction]:
    """Ask the model; the only place of a server that does. Raises as :meth:`Predictor.predict`."""
    return predictor.predict(ask.task, queries, ask.top_k)


def answer_each(predictor: Predictor, ask: Ask, queries: Sequence[str]) -> list[Outcome]:
    """Ask the model; where it fails, ask each query alone, so that one query harms no other.

    Raises:
        RetortError: The model as a whole cannot be used.
    """
    try:
        return [*answer(predictor, ask, queries)]
    except RetortError:
        raise
    except Exception as error:
        LOG.exception("the model failed at %d queries of %s", len(queries), ask.task)
        if len(queries) == 1:
            return [error]
    return [outcome for query in queries for outcome in answer_each(predictor, ask, [query])]


def warm_up(predictor: Predictor) -> list[str]:
    """Load what every task needs by asking its example, so that a damaged model is found before a client asks.

    Returns:
        Names of the tasks that the model answers.

    Raises:
        ModelError: A file of the model is missing or damaged.
    """
    tasks = [name for name in TASKS.names() if not predictor.declines(name)]
    for name in tasks:
        answer(predictor, Ask(name, 1), [TASKS.get(name).example])
    return tasks


class Asker:
    """Answers queries of many clients; see the module's docstring.

    Args:
        predictor: The model.
        settings: Limits and the window.
        on_call: Told of every call: the ask and its outcomes.
    """

    def __init__(
        self,
        predictor: Predictor,
        settings: ServeConfig,
        on_call: Callable[[Ask, Sequence[Outcome]], None],
    ) -> None:
        self._predictor = predictor
        self._settings = settings
        self._on_call = on_call
        self._thread = ThreadPoolExecutor(1, "model")
        self._turn = asyncio.Lock()  # first come, first served
        self._arrived = asyncio.Event()
        self._queue: deque[_Waiting] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Number of queries that wait for the model."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to answer; called within a running event loop."""
        self._pump = asyncio.create_task(self._answer_all())

    async def close(self) -> None:
        """Stop; queries that still wait are refused, a call that runs is waited for."""
        self._closing = True
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        for waiting in self._queue:
            _settle(waiting, closing())
        self._queue.clear()
        await asyncio.to_thread(self._thread.shutdown)

    async def ask(self, ask: Ask, query: str) -> Prediction:
        """Answer one query, together with whatever else is asked at this time.

        Raises:
            RefusalError: Too many wait (429), it took too long (504), or the server is closing (503).
            RetortError: The model cannot be used.
        """
        if self._closing:
            raise closing()
        if len(self._queue) >= self._settings.max_waiting_queries:
            raise busy(f"{len(self._queue)} queries are waiting already; ask again in a moment.")
        waiting = _Waiting(ask, query, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await waiting.outcome
        except TimeoutError as error:
            seconds = self._settings.timeout_seconds
            message = f"there was no answer within {seconds:g} seconds; ask again, or ask a smaller question."
            raise RefusalError(HTTPStatus.GATEWAY_TIMEOUT, "timeout", message) from error
        finally:
            if waiting in self._queue:  # nobody waits for it any more
                self._queue.remove(waiting)

    async def ask_many(self, ask: Ask, queries: Sequence[str]) -> list[Outcome]:
        """Answer a chunk of a batch job in one call; raises as :func:`answer_each`."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            outcomes = await loop.run_in_executor(self._thread, answer_each, self._predictor, ask, queries)
        self._on_call(ask, outcomes)
        return outcomes

    async def _answer_all(self) -> None:
        while True:
            await self._arrived.wait()
            if len(self._queue) < self._settings.max_batch:
                await asyncio.sleep(self._settings.window_milliseconds / 1000)
            batch = self._take()
            if batch:
                await self._answer(batch)
            if not self._queue:
                self._arrived.clear()

    def _take(self) -> list[_Waiting]:
        """Take the oldest query and what is asked alike, in their order; the rest keeps its order."""
        batch: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        for waiting in self._queue:
            fits = len(batch) < self._settings.max_batch and (not batch or waiting.ask == batch[0].ask)
            (batch if fits else left).append(waiting)
        self._queue = left
        return batch

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self.ask_many(batch[0].ask, [waiting.query for waiting in batch])
        except RetortError as error:
            LOG.error("the model cannot be used: %s", error)
            outcomes = [error] * len(batch)
        except asyncio.CancelledError:
            for waiting in batch:
                _settle(waiting, closing())
            raise
        for waiting, outcome in zip(batch, outcomes, strict=True):
            _settle(waiting, outcome)


def _settle(waiting: _Waiting, outcome: Outcome) -> None:
    """Give a client its outcome, unless it has gone."""
    if waiting.outcome.done():
        return
    if isinstance(outcome, Exception):
        waiting.outcome.set_exception(outcome)
    else:
        waiting.outcome.set_result(outcome)
