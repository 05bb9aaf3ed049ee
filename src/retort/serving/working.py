"""Work on batch jobs: one after the other, the oldest first, chunk by chunk, until the server leaves."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from retort.errors import DataError, OutputError, RetortError, UsageError
from retort.inference.bulk import ResultFile
from retort.inference.formats import json_lines
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.serving.asking import Ask, Asker, Outcome
from retort.serving.contract import JobState
from retort.serving.jobs import Job, JobStore
from retort.serving.limits import check_query
from retort.serving.problems import RefusalError
from retort.serving.settings import ServeConfig
from retort.serving.uploads import Row, read_rows

LOG = logging.getLogger("retort.serving")
MOST_STARTS = 3  # a job that brought the server down this often at the same chunk is given up


class Worker:
    """Answers the rows of jobs.

    A chunk is answered, written and booked before the next is begun. What a kill interrupts is cut off and answered
    again at the next start (:class:`~retort.inference.bulk.ResultFile`), so no row is lost and none is repeated.
    """

    def __init__(self, store: JobStore, asker: Asker, predictor: Predictor, settings: ServeConfig) -> None:
        self._store = store
        self._asker = asker
        self._predictor = predictor
        self._settings = settings
        self._news = asyncio.Event()
        self._leaving = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with the jobs that an earlier server left."""
        self._task = asyncio.create_task(self._work_on_all())
        self._news.set()

    def tell(self) -> None:
        """Say that there is a new job."""
        self._news.set()

    async def close(self) -> None:
        """Finish the chunk at hand and stop; unfinished jobs are kept for the next server."""
        self._leaving = True
        self._news.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _work_on_all(self) -> None:
        held: set[str] = set()  # jobs that this server cannot go on with
        while not self._leaving:
            job = next((job for job in self._store.unfinished() if job.id not in held), None)
            if job is None:
                self._news.clear()
                await self._news.wait()
                continue
            try:
                await self._work_on(job)
            except Exception as error:
                held.add(job.id)
                self._give_up(job, error)

    def _give_up(self, job: Job, error: Exception) -> None:
        """Book why a job cannot go on; where the disk or the model is the reason, the next server tries again."""
        LOG.error("job %s stopped: %s", job.id, error, exc_info=not isinstance(error, RetortError))
        state, message = _verdict(error)
        with suppress(OutputError, RefusalError):  # the disk is full, or the job was deleted: the log has it
            self._store.change(self._store.get(job.id), state=state, message=message)

    async def _work_on(self, job: Job) -> None:
        results = ResultFile(self._store.results_of(job), self._terms(job), job.of)
        job = self._store.change(job, state="running", message="", starts=job.starts + 1)
        if job.starts > MOST_STARTS:
            self._store.change(job, state="failed", message=_fatal(results.progress.rows))
            return
        rows = read_rows(self._store.input_of(job), job.kind, job.column, results.progress.rows)
        while not results.progress.complete:
            answers = await self._answer(job.ask, await asyncio.to_thread(self._next, rows))
            if self._cancelled(job):
                return
            unanswered = sum(answer.status != "ok" for answer in answers)
            await asyncio.to_thread(results.append, json_lines(answers), len(answers), unanswered)
            if self._cancelled(job):
                return
            job = self._store.change(job, starts=0) if job.starts else job
            if self._leaving:
                return
        self._store.change(job, state="done")

    def _next(self, rows: Iterator[Row]) -> list[Row]:
        chunk = list(islice(rows, self._settings.chunk))
        if not chunk:
            raise DataError("the file of queries is shorter than it was when it came.")
        return chunk

    def _cancelled(self, job: Job) -> bool:
        try:
            return self._store.get(job.id).finished
        except RefusalError:
            return True  # deleted

    async def _answer(self, ask: Ask, rows: list[Row]) -> list[Prediction]:
        """Answer a chunk in its order; rows that cannot be read or are too large are not asked."""
        refused = [row.problem or self._refusal(row.query) for row in rows]
        asked = [row.query for row, why in zip(rows, refused, strict=True) if not why]
        found: Iterator[Outcome] = iter(await self._asker.ask_many(ask, asked) if asked else [])
        return [
            self._unasked(ask, row.query, why) if why else self._outcome(ask, row.query, next(found))
            for row, why in zip(rows, refused, strict=True)
        ]

    def _refusal(self, query: str) -> str:
        try:
            check_query(self._settings, query)
        except RefusalError as problem:
            return problem.message
        return ""

    def _unasked(self, ask: Ask, query: str, why: str) -> Prediction:
        return Prediction(ask.task, query, "invalid_input", why, self._predictor.model)

    def _outcome(self, ask: Ask, query: str, outcome: Outcome) -> Prediction:
        if isinstance(outcome, Prediction):
            return outcome
        why = f"the model failed at this query ({type(outcome).__name__})."
        return Prediction(ask.task, query, "no_answer", why, self._predictor.model)

    def _terms(self, job: Job) -> dict[str, object]:
        """Return what the results depend on; a server with other weights does not go on with them."""
        return {
            "task": job.ask.task,
            "model": self._predictor.identity,
            "weights": self._predictor.fingerprint,
            "top_k": job.ask.top_k,
        }


def _verdict(error: Exception) -> tuple[JobState, str]:
    """Return the state of a job after a failure, and what its owner is told."""
    if isinstance(error, UsageError):
        return "waiting", str(error)
    if isinstance(error, OutputError):
        return "waiting", "its rows could not be written; the next server goes on."
    if isinstance(error, RefusalError):
        return "failed", error.message
    return "failed", "the server failed at it; see its log."


def _fatal(row: int) -> str:
    return f"the server died {MOST_STARTS} times within the rows that follow row {row}; they are not tried again."
