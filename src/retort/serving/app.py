"""The HTTP application: routes, the guard around them, and one form for every refusal."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from retort import __version__
from retort.errors import RetortError
from retort.inference.predictor import Predictor
from retort.serving.answers import answer_routes, health_routes
from retort.serving.asking import LOG
from retort.serving.batches import batch_routes
from retort.serving.guard import Guard
from retort.serving.problems import RefusalError, of_error
from retort.serving.responses import as_problem
from retort.serving.service import Service
from retort.serving.settings import ServeConfig

DESCRIPTION = """Language models for chemical reactions: products, reactants, reagents, classes and yields.

A query that cannot be read is *answered*, with the status `invalid_input` and the reason. An error status means that
the request itself was refused or failed; its body has a `code`, a `message` and the `request_id`.
"""


def create_app(predictor: Predictor, settings: ServeConfig, key: str | None = None) -> FastAPI:
    """Build the application; ``app.state.service`` is what its routes share.

    Args:
        predictor: The model.
        settings: Limits and folders.
        key: The API key; None where none is asked for.

    Raises:
        UsageError: Another server uses the folder of jobs.
        OutputError: The folder of jobs cannot be made.
    """
    service = Service(predictor, settings, key)
    app = FastAPI(
        title="retort",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the pages of FastAPI load their scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service = service
    locks = [] if key is None else [Depends(_lock(service))]
    app.include_router(answer_routes(service), dependencies=locks)
    app.include_router(batch_routes(service), dependencies=locks)
    app.include_router(health_routes(service))
    app.add_middleware(Guard, settings=settings, metrics=service.metrics)
    app.add_exception_handler(RefusalError, _told)
    app.add_exception_handler(RetortError, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(StarletteHTTPException, _told)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.start()
    try:
        yield
    finally:
        await service.close()


def _lock(service: Service) -> Callable[..., None]:
    """Return the dependency that lets nobody in without the key."""
    scheme = HTTPBearer(auto_error=False, description="the API key")

    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        if given is None or not service.knows(given.credentials):
            message = "send the API key: Authorization: Bearer KEY."
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "unauthorized", message, {"WWW-Authenticate": "Bearer"})

    return check


async def _told(request: Request, error: Exception) -> Response:
    """Return any expected failure in the one form of all refusals."""
    request_id: str = request.state.request_id
    problem = _as_problem(error)
    if isinstance(error, RetortError) and problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("request %s: %s", request_id, error)
    return as_problem(problem, request_id)


def _as_problem(error: Exception) -> RefusalError:
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, RetortError):
        return of_error(error)
    if isinstance(error, RequestValidationError):
        return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", _why_invalid(error))
    assert isinstance(error, StarletteHTTPException)
    if isinstance(error, HTTPException) and isinstance(error.detail, dict):
        return RefusalError(error.status_code, error.detail["code"], error.detail["message"])
    phrase = HTTPStatus(error.status_code).phrase
    return RefusalError(error.status_code, phrase.lower().replace(" ", "_"), f"{error.detail}.", error.headers)


def _why_invalid(error: RequestValidationError) -> str:
    """Say what does not fit and where; what was sent is not repeated."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
