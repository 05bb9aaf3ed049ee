"""What is answered where no answer can be given: a status code, a short code for programs, a sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus

from retort.errors import ModelError, OutputError, RetortError, UnknownNameError, UsageError


class RefusalError(Exception):
    """A request that is refused or failed.

    Args:
        status: HTTP status code.
        code: Short name of the reason, e.g. ``query_too_long``; never changes.
        message: What is wrong, and what to do.
        headers: Further headers of the response.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def too_large(what: str, limit: int, unit: str) -> RefusalError:
    """Return the refusal of something that is larger than a limit."""
    return RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"{what} is larger than {limit:,} {unit}.")


def busy(message: str, seconds: int = 1) -> RefusalError:
    """Return the refusal of what would have to wait behind too much."""
    return RefusalError(HTTPStatus.TOO_MANY_REQUESTS, "too_many", message, {"Retry-After": str(seconds)})


def closing() -> RefusalError:
    """Return the refusal of a server that is about to leave."""
    return RefusalError(
        HTTPStatus.SERVICE_UNAVAILABLE, "closing", "the server is shutting down; ask again.", {"Retry-After": "5"}
    )


def of_error(error: RetortError) -> RefusalError:
    """Return what an error of the package means to a client."""
    if isinstance(error, UnknownNameError):
        return RefusalError(HTTPStatus.NOT_FOUND, "unknown_name", str(error))
    if isinstance(error, ModelError):
        return RefusalError(
            HTTPStatus.SERVICE_UNAVAILABLE, "model_unavailable", "the model cannot be used; see the log."
        )
    if isinstance(error, OutputError):
        return RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, "disk", "the server cannot write its files; see the log.")
    if isinstance(error, UsageError):
        return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", str(error))
    return internal()


def internal() -> RefusalError:
    """Return what is said of a failure that nobody foresaw."""
    return RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the server failed at this request; see its log.")
