"""The commands ``retort serve`` and ``retort mcp``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retort.errors import MissingExtraError

LIBRARIES = {
    "serve": {"fastapi", "starlette", "uvicorn", "prometheus_client"},
    "mcp": {"mcp", "mcp_types", "anyio"},
}
ModelName = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME|DIR", help="Embedded model or model folder.")
]
Settings = Annotated[
    Path | None, typer.Option("--config", metavar="FILE.toml", help="Settings; RETORT_SERVE_<KEY> and options win.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Any setting; docs/reference/config.md lists them.")
]


def serve(
    overrides: Overrides = None,
    config: Settings = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1, this machine.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: 8000; 0 takes any free one.")] = None,
    model: ModelName = None,
    jobs: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of batch jobs.")] = None,
) -> None:
    """Answer over HTTP: one query, or files of queries as jobs that survive a restart."""
    from retort.serving.settings import load_settings

    options = {"host": host, "port": port, "model": model, "jobs": jobs}
    settings = load_settings(config, os.environ, overrides or [], options)
    with _extra("`retort serve`", "serve"):
        from retort.serving.server import serve as run
    run(settings, lambda text: typer.echo(text, err=True))


def mcp(overrides: Overrides = None, config: Settings = None, model: ModelName = None) -> None:
    """Offer the tasks as tools to an agent: the Model Context Protocol on standard input and output."""
    from retort.serving.settings import load_settings

    settings = load_settings(config, os.environ, overrides or [], {"model": model})
    with _extra("`retort mcp`", "mcp"):
        from retort.serving.mcp import serve_tools
    serve_tools(settings)


@contextmanager
def _extra(feature: str, extra: str) -> Iterator[None]:
    """Say which extra to install where a library of it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES[extra]:
            raise
        raise MissingExtraError(feature, extra) from error
