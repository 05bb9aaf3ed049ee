"""The routes that answer at once: one query, the models, health and figures."""

from typing import Annotated

from fastapi import APIRouter, Path
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from retort import __version__
from retort.inference.model_folder import ModelFolder
from retort.prompting.task import TASKS
from retort.serving.asking import Ask
from retort.serving.contract import Answer, Asked, HealthBody, ModelsBody
from retort.serving.limits import check_query, check_top_k
from retort.serving.problems import closing
from retort.serving.responses import as_json, refusals
from retort.serving.service import Service

TaskPath = Annotated[
    str, Path(description="a task or its alias; see /v1/models", max_length=64, examples=["retrosynthesis", "forward"])
]


def answer_routes(service: Service) -> APIRouter:
    """Return the routes that need the API key where there is one."""
    router = APIRouter()

    @router.post(
        "/v1/predict/{task}",
        response_model=None,
        responses={200: {"model": Answer}, **refusals(400, 404, 408, 413, 422, 429, 503, 504)},
        summary="Answer one query",
    )
    async def predict(task: TaskPath, asked: Asked) -> Response:
        """Answer one query. What is no SMILES is answered with the status `invalid_input`, not with an error.

        Queries of one task that arrive together are answered by one call of the model.
        """
        ask = Ask(TASKS.get(task).name, asked.top_k)
        check_top_k(service.settings, asked.top_k)
        check_query(service.settings, asked.query)
        found = await service.asker.ask(ask, asked.query)
        return as_json(found.to_dict())

    @router.get(
        "/v1/models", response_model=None, responses={200: {"model": ModelsBody}, **refusals()}, summary="The models"
    )
    async def models() -> Response:
        """List the model of this server, and what it makes of every task."""
        return as_json({"models": [describe(service)]})

    @router.get(
        "/metrics",
        response_model=None,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals()},
        summary="Figures for Prometheus",
    )
    async def metrics() -> Response:
        """Give the figures in Prometheus' text format."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def health_routes(service: Service) -> APIRouter:
    """Return the route that never needs a key."""
    router = APIRouter()

    @router.get(
        "/health",
        response_model=None,
        responses={200: {"model": HealthBody}, **refusals(503)},
        summary="Whether the server answers",
    )
    async def health() -> Response:
        """Say that the server answers; 503 once it is closing."""
        if service.closing:
            raise closing()
        body = HealthBody(
            status="ok",
            model=service.predictor.model,
            version=__version__,
            waiting_queries=service.asker.waiting,
            unfinished_jobs=len(service.store.unfinished()),
        )
        return as_json(body.model_dump())

    return router


def describe(service: Service) -> dict[str, object]:
    """Return what :class:`~retort.serving.contract.ModelBody` shows of the model."""
    predictor = service.predictor
    release = ModelFolder.open(service.settings.model).card.release
    tasks = [_task(service, name) for name in TASKS.names()]
    return {"name": predictor.model, "release": release, "weights": predictor.fingerprint, "tasks": tasks}


def _task(service: Service, name: str) -> dict[str, object]:
    task, reason = TASKS.get(name), service.predictor.declines(name)
    return {
        "task": name,
        "aliases": list(task.aliases),
        "what": task.summary,
        "query": task.query_kind,
        "answer": task.answer_kind,
        "unit": task.unit,
        "example": task.example,
        "trained": not reason,
        "reason": reason,
    }
