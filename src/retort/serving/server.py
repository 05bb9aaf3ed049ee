"""``retort serve``: open the port, load the model, answer until a signal comes, leave in order."""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from retort.errors import UsageError
from retort.inference.predictor import Predictor
from retort.serving.app import create_app
from retort.serving.asking import warm_up
from retort.serving.service import Service
from retort.serving.settings import LOOPBACK, ServeConfig, read_key


class Server(uvicorn.Server):
    """uvicorn's server, which tells its service of a signal at once, so that streams come to their end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave."""
        self._service.closing = True
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end a server; having left in order is no failure, so none is raised again."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def serve(settings: ServeConfig, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: Address, limits, folders.
        say: Tells people what happens; requests go to the log ``retort.serving``.

    Raises:
        UsageError: The port is taken, or another server uses the folder of jobs.
        ModelError: The model is missing or damaged.
    """
    key = read_key(settings, os.environ)
    with _listening(settings) as listener:
        predictor = Predictor.load(settings.model)
        tasks = warm_up(predictor)
        app = create_app(predictor, settings, key)
        if settings.host not in LOOPBACK and key is None:
            say("warning: other machines can reach this server, and it asks for no API key (RETORT_API_KEY).")
        port = listener.getsockname()[1]
        say(f"{predictor.model} answers {', '.join(tasks)}")
        say(f"http://{settings.host}:{port} (OpenAPI document: /openapi.json); jobs in {settings.job_folder}")
        service: Service = app.state.service
        kept = service.store.unfinished()
        if kept:
            say(f"{len(kept)} unfinished jobs are gone on with")
        _log_to_standard_error()
        Server(_config(app, settings), service).run([listener])
        say(f"stopped; {len(service.store.unfinished())} unfinished jobs are kept")


@contextmanager
def _listening(settings: ServeConfig) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise UsageError(f"cannot listen on {where}: {error.strerror or error}.", "Choose --port or --host.") from error
    with listener:
        yield listener


def _config(app: object, settings: ServeConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )


def _log_to_standard_error() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
