"""The routes of batch jobs: send a file, ask how it stands, read the results, cancel."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from retort.errors import OutputError
from retort.prompting.task import TASKS
from retort.serving.asking import Ask
from retort.serving.contract import JobBody, JobsBody
from retort.serving.jobs import Job
from retort.serving.limits import check_top_k
from retort.serving.problems import RefusalError, busy, closing
from retort.serving.responses import as_json, refusals
from retort.serving.service import Service
from retort.serving.uploads import KINDS, count_rows, kind_of

LINES = "application/jsonl"
BLOCK = 256 * 1024  # bytes of results that are read at once
PAUSE = 0.2  # seconds between two looks for new results
EXAMPLES = {
    "text": "CC(=O)Nc1ccc(O)cc1\nCC(=O)Oc1ccccc1C(=O)O\n",
    "csv": "id,input\n1,CC(=O)Nc1ccc(O)cc1\n",
    "jsonl": '{"input": "CC(=O)Nc1ccc(O)cc1"}\n',
}
UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "queries: one a line, a CSV table, or JSON Lines",
        "content": {
            name: {"schema": {"type": "string"}, "examples": {"two": {"value": EXAMPLES[kind]}}}
            for name, kind in KINDS.items()
        },
    }
}
JobPath = Annotated[str, Path(description="the id of a job", max_length=64, examples=["0" * 32])]
TaskQuery = Annotated[str, Query(description="a task or its alias", max_length=64, examples=["retrosynthesis"])]
TopK = Annotated[int, Query(ge=1, le=2**31 - 1, description="most candidates per query")]
Column = Annotated[str, Query(description="column or key of the queries", min_length=1, max_length=200)]
Start = Annotated[int, Query(ge=0, le=2**53, description="rows to leave out at the beginning")]
Follow = Annotated[bool, Query(description="go on until the job is finished")]


def batch_routes(service: Service) -> APIRouter:
    """Return the routes of batch jobs."""
    router = APIRouter(prefix="/v1/batch")
    one = {200: {"model": JobBody}, **refusals(404, 422, 503)}

    @router.post(
        "",
        status_code=202,
        response_model=None,
        responses={202: {"model": JobBody}, **refusals(404, 408, 413, 415, 422, 429, 503)},
        openapi_extra=UPLOAD,
        summary="Send a batch job",
    )
    async def create(request: Request, task: TaskQuery, top_k: TopK = 10, column: Column = "input") -> Response:
        """Send a file of queries; every line is a row of the results, in its order, readable or not."""
        ask = Ask(TASKS.get(task).name, top_k)
        check_top_k(service.settings, top_k)
        job = await _receive(service, request, ask, column)
        return as_json(service.state(job), HTTPStatus.ACCEPTED, {"Location": f"/v1/batch/{job.id}"})

    @router.get("", response_model=None, responses={200: {"model": JobsBody}, **refusals()}, summary="All batch jobs")
    async def list_jobs() -> Response:
        """List all jobs, the oldest first."""
        return as_json({"jobs": [service.state(job) for job in service.store.all()]})

    @router.get("/{job}", response_model=None, responses=one, summary="How a batch job stands")
    async def show(job: JobPath) -> Response:
        """Say how far a job is."""
        return as_json(service.state(service.store.get(job)))

    @router.get(
        "/{job}/results",
        response_model=None,
        responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}, **refusals(404, 422)},
        summary="The results of a batch job",
    )
    async def results(job: JobPath, start: Start = 0, follow: Follow = False) -> Response:
        """Stream the answered rows as JSON Lines, as `retort predict --format json` writes them.

        With `follow`, the stream goes on until the job is finished or the server leaves; who got fewer rows than the
        job has asks again with `start`.
        """
        return StreamingResponse(_lines(service, service.store.get(job), start, follow), media_type=LINES)

    @router.delete("/{job}", response_model=None, responses=one, summary="Cancel or delete a batch job")
    async def cancel(job: JobPath) -> Response:
        """Cancel an unfinished job and keep its rows; delete a finished one with its rows."""
        found = service.store.get(job)
        if not found.finished:
            return as_json(service.state(service.store.change(found, state="cancelled")))
        state = service.state(found)
        service.store.remove(found)
        return as_json(state)

    return router


async def _receive(service: Service, request: Request, ask: Ask, column: str) -> Job:
    """Write an upload to a folder of its own, look it through, and make a job of it."""
    _refuse_too_many(service)
    kind = kind_of(request.headers.get("content-type", ""))
    name, draft = service.store.draft()
    try:
        await _write(request, draft / "input")
        rows = await asyncio.to_thread(count_rows, draft / "input", kind, column, service.settings.max_rows)
        job = Job(name, ask, kind, column, rows)
        service.store.add(job, draft)
    except BaseException:
        service.store.discard(draft)
        raise
    service.worker.tell()
    return job


def _refuse_too_many(service: Service) -> None:
    """Refuse a job for which there is no place; uploads on their way have theirs already."""
    settings = service.settings
    if service.closing:
        raise closing()
    if len(service.store.unfinished()) + service.store.receiving >= settings.max_waiting_jobs:
        raise busy(f"{settings.max_waiting_jobs} jobs are not finished yet; wait for one, or cancel one.", 60)
    if len(service.store.all()) + service.store.receiving >= settings.max_kept_jobs:
        raise busy(f"{settings.max_kept_jobs} jobs are kept; delete one that you do not need.", 60)


async def _write(request: Request, path: File) -> None:
    try:
        with path.open("wb") as file:
            async for part in request.stream():
                file.write(part)
    except ClientDisconnect as error:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "incomplete", "the client left before the file was sent.") from error
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error


async def _lines(service: Service, job: Job, start: int, follow: bool) -> AsyncIterator[bytes]:
    """Yield the complete rows of a job from a row on; see the route."""
    place, skipped = 0, start
    while True:
        job = service.store.get(job.id)
        size = service.store.progress_of(job).size
        while place < size:
            block = await asyncio.to_thread(read_block, service.store.results_of(job), place, size)
            place += len(block)
            lines = block.splitlines(keepends=True)
            yield b"".join(lines[skipped:])
            skipped = max(0, skipped - len(lines))
        if job.finished or not follow or service.closing:
            return
        await asyncio.sleep(PAUSE)


def read_block(path: File, place: int, size: int) -> bytes:
    """Return whole lines from byte ``place`` on, about :data:`BLOCK` bytes and at most up to byte ``size``."""
    with path.open("rb") as file:
        file.seek(place)
        block = file.read(min(BLOCK, size - place))
        return block if block.endswith(b"\n") else block + file.readline()
