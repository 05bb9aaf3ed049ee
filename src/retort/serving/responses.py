"""How answers and refusals are written."""

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from retort.serving.contract import ProblemBody
from retort.serving.problems import RefusalError

REASONS = {
    400: "the body is no JSON that can be read",
    401: "the API key is missing or wrong",
    403: "the server was called by a foreign name, or by a page of another site",
    404: "there is no such task or job",
    408: "the body did not arrive in time",
    413: "the body or file is too large",
    415: "the file is of an unknown kind",
    422: "a value is missing or does not fit, or the query is too long or has too many atoms",
    429: "too much waits already",
    500: "the server failed",
    503: "the server is closing, or its model or disk cannot be used",
    504: "there was no answer in time",
}
ALWAYS = (401, 403, 500)


def as_json(content: Any, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response in ASCII, as the command line writes it; NaN is refused."""
    return Response(json.dumps(content, allow_nan=False), status, headers, "application/json")


def as_problem(problem: RefusalError, request_id: str) -> Response:
    """Return the response that tells a problem."""
    body = ProblemBody(code=problem.code, message=problem.message, request_id=request_id)
    return as_json(body.model_dump(), problem.status, problem.headers)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of the statuses that a route may answer with."""
    told = sorted({*statuses, *ALWAYS})
    return {status: {"model": ProblemBody, "description": REASONS[status]} for status in told}
