"""What surrounds every request: its id, who may call, how large and slow a body may be, the log, the figures.

A page of another site can make a browser call a server on this very machine. So a request that names another host
than the server's own, or comes from a page of another origin, is refused before anything is read.
"""

import asyncio
import logging
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retort.serving.metrics import Metrics
from retort.serving.problems import RefusalError, internal, too_large
from retort.serving.responses import as_problem
from retort.serving.settings import ServeConfig

if TYPE_CHECKING:
    from starlette.responses import Response

LOG = logging.getLogger("retort.serving")
UPLOAD = "/v1/batch"
DRAINED = 64 * 1024 * 1024  # bytes of a body that are read and dropped, so that a client hears why it was refused
_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class Guard:
    """The outermost layer of the application.

    Args:
        app: What is guarded.
        settings: Limits and names.
        metrics: Counts every response.
    """

    def __init__(self, app: ASGIApp, settings: ServeConfig, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        exchange = Exchange(given if _ID.fullmatch(given) else secrets.token_hex(8), send)
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        body = Body(receive, *self._limits(scope))
        began = time.perf_counter()
        try:
            refusal = self._stranger(headers) or await body.refusal(headers)
            if refusal is not None:
                await _respond(as_problem(refusal, exchange.request_id), scope, receive, exchange)
            else:
                await self._app(scope, body, exchange)
        except Exception:
            LOG.exception("request %s failed", exchange.request_id)
            if exchange.status:
                raise  # half a response is sent: the connection must break, so that nobody takes it for a whole one
            await _respond(as_problem(internal(), exchange.request_id), scope, receive, exchange)
        finally:
            self._book(scope, exchange, time.perf_counter() - began)

    def _limits(self, scope: Scope) -> tuple[int, float]:
        """Return how many bytes a body may have, and how many seconds it may take."""
        if scope["path"] == UPLOAD:
            return self._settings.max_upload_bytes, self._settings.upload_seconds
        return self._settings.max_body_bytes, self._settings.body_seconds

    def _stranger(self, headers: Headers) -> RefusalError | None:
        """Return why the caller is refused, if it is."""
        host = headers.get("host", "")
        if self._settings.hosts and _name(f"//{host}") not in self._settings.hosts:
            message = "the server is not called so; the setting allowed_hosts names what it is called."
            return RefusalError(HTTPStatus.FORBIDDEN, "foreign_host", message)
        origin = headers.get("origin")
        if origin is not None and origin.partition("//")[2] != host:
            return RefusalError(HTTPStatus.FORBIDDEN, "foreign_origin", "pages of other sites may not ask this server.")
        return None

    def _book(self, scope: Scope, exchange: "Exchange", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in ("GET", "POST", "DELETE") else "other"
        self._metrics.count_request(method, route, exchange.status, seconds)
        LOG.info("%s %s %s %d %.1f ms", exchange.request_id, method, route, exchange.status, 1000 * seconds)


@dataclass
class Exchange:
    """Sends a response; remembers its status and adds the id of the request."""

    request_id: str
    send: Send
    status: int = 0

    async def __call__(self, message: Message) -> None:
        """Send a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
        await self.send(message)


class Body:
    """Receives a body within its limits.

    Args:
        receive: Where the body comes from.
        limit: Bytes.
        seconds: Time in which the whole must have arrived.
    """

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._size = 0
        self._whole = False

    async def refusal(self, headers: Headers) -> RefusalError | None:
        """Return the refusal of a body that says itself that it is too large; it is drained first."""
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) <= self._limit:
            return None
        with suppress(HTTPException):  # too slow: what was read is enough
            while self._size < min(int(length), DRAINED) and not self._whole:
                await self._part()
        return too_large("the body", self._limit, "bytes")

    async def __call__(self) -> Message:
        """Return the next part; raises HTTPException where the body is too large (413) or too slow (408)."""
        message = await self._receive() if self._whole else await self._part()
        if self._size > self._limit:
            raise _as_http(too_large("the body", self._limit, "bytes"))
        return message

    async def _part(self) -> Message:
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                message = await self._receive()
        except TimeoutError as error:
            why = f"the body did not arrive within {self._seconds:g} seconds."
            raise _as_http(RefusalError(HTTPStatus.REQUEST_TIMEOUT, "slow_body", why)) from error
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message


def _as_http(problem: RefusalError) -> HTTPException:
    """Return a problem in the one form that passes through the reading of a body."""
    return HTTPException(problem.status, {"code": problem.code, "message": problem.message})


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


async def _respond(response: "Response", scope: Scope, receive: Receive, exchange: Exchange) -> None:
    await response(scope, receive, exchange)
