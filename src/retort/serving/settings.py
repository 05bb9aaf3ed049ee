"""What a server may be told: addresses, limits, folders. Needs the standard library alone.

A value comes from, the later the stronger: the default, a TOML file, an environment variable ``RETORT_SERVE_<KEY>``,
an option of the command line. The API key is never among them: it is read from ``RETORT_API_KEY`` or from a file.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from retort import config
from retort.config import option
from retort.errors import ConfigError, InputFileError

PREFIX = "RETORT_SERVE_"
KEY_VARIABLE = "RETORT_API_KEY"
SHORTEST_KEY = 16  # characters; what is shorter can be tried out
_MAY_BE_0 = ("port", "window_milliseconds")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ServeConfig:
    """A server's address, limits and folders."""

    host: str = option("127.0.0.1", help="address to listen on; this machine alone by default")
    port: int = option(8000, help="port to listen on; 0 takes any free one")
    model: str = option("retort-base", help="embedded model or model folder")
    jobs: Path | None = option(None, help="folder of batch jobs; by default below the user's state folder")
    api_key_file: Path | None = option(None, help="file whose first line is the API key; stronger than RETORT_API_KEY")
    allowed_hosts: tuple[str, ...] = option(
        (), help="names under which the server is called; on loopback, its own by default; elsewhere, any"
    )
    max_top_k: int = option(50, help="most candidates that one query may ask for")
    max_query_characters: int = option(2_000, help="longest query, in characters")
    max_atoms: int = option(250, help="largest query, in heavy atoms of all its molecules together")
    max_body_bytes: int = option(65_536, help="largest body of a request that is no upload")
    max_upload_bytes: int = option(128 * 1024 * 1024, help="largest file of queries of a batch job")
    max_rows: int = option(1_000_000, help="most rows of a batch job")
    max_waiting_jobs: int = option(8, help="most batch jobs that are not finished")
    max_kept_jobs: int = option(100, help="most batch jobs on disk; finished ones are kept until they are deleted")
    max_waiting_queries: int = option(512, help="most queries that wait for the model")
    max_connections: int = option(1_024, help="most open connections")
    timeout_seconds: float = option(30.0, help="longest time a query may wait for its answer, in seconds")
    body_seconds: float = option(60.0, help="longest time in which a body must have arrived, in seconds")
    upload_seconds: float = option(600.0, help="longest time in which a file of queries must have arrived, in seconds")
    shutdown_seconds: float = option(20.0, help="longest time that open requests are given at the end, in seconds")
    window_milliseconds: float = option(4.0, help="how long queries are collected before the model is asked, in ms")
    max_batch: int = option(32, help="most queries that the model is asked at once")
    chunk: int = option(16, help="rows of a batch job that are answered and written together")

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; raises ConfigError."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and (value < 0 or (value == 0 and field.name not in _MAY_BE_0)):
                raise ConfigError(f"{field.name} must be above 0, not {value}.")
        if self.port > 65_535:
            raise ConfigError(f"there is no port {self.port}.", "Ports go from 0 to 65535.")

    @property
    def job_folder(self) -> Path:
        """Where batch jobs are kept."""
        if self.jobs is not None:
            return self.jobs
        state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return Path(state) / "retort" / "jobs"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names that a request may call the server by; empty where any will do."""
        if self.allowed_hosts or self.host not in LOOPBACK:
            return self.allowed_hosts
        return LOOPBACK


def load_settings(
    path: Path | None, environment: Mapping[str, str], overrides: Sequence[str], options: Mapping[str, Any]
) -> ServeConfig:
    """Put the settings together.

    Args:
        path: A TOML file, or None.
        environment: Environment variables.
        overrides: ``key=value`` texts of the command line.
        options: Named options of the command line; those that are None were not given.

    Raises:
        InputFileError: The file is missing.
        ConfigError: A key is unknown or a value does not fit.
    """
    values = {} if path is None else config.read_values(path)
    values |= {key: _value(text) for key, text in _named(environment).items()}
    for override in overrides:
        config.apply_override(values, override)
    given = {key: value for key, value in options.items() if value is not None}
    return config.build(ServeConfig, values | given, "settings of the server")


def read_key(settings: ServeConfig, environment: Mapping[str, str]) -> str | None:
    """Return the API key, or None where the server asks for none.

    Raises:
        InputFileError: The file of the key cannot be read.
        ConfigError: The key is too short.
    """
    key = environment.get(KEY_VARIABLE)
    if settings.api_key_file is not None:
        try:
            key = settings.api_key_file.read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputFileError(f"cannot read the API key in {str(settings.api_key_file)!r}: {error}.") from error
    if key is None:
        return None
    if len(key) < SHORTEST_KEY or not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"the API key is too short, or not printable ASCII: {SHORTEST_KEY} characters are the least.",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe())'.",
        )
    return key


def _named(environment: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX).lower(): text for name, text in environment.items() if name.startswith(PREFIX)}


def _value(text: str) -> Any:
    """Read a value as TOML, and as plain text where it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
