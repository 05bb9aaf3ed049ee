"""The file of figures of a benchmark: small, without predictions, made to be committed.

``{"arms": {name: entry}}``. Every entry has ``status`` (``scored``, ``not run`` or ``failed``) and ``reason``. A scored
one has what it was told and its budget, ``n`` test rows, ``commit``, ``sha256`` of types, start and predictions,
``ways`` (way of decoding -> metric -> mean, interval, by_seed; ``upstream`` as published), and ``compared``: paired
differences.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retort.errors import ConfigError, OutputError

Entry = dict[str, Any]
_DIGITS = 6


def read_results(path: Path) -> dict[str, Entry]:
    """Return name -> entry of a file of figures; nothing where there is no file.

    Raises:
        ConfigError: It is no such file.
    """
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8"))["arms"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{str(path)!r} is no file of figures: {error!r}.", "Move it away.") from error


def write_results(path: Path, entries: Mapping[str, Entry], about: Mapping[str, Any] | None = None) -> None:
    """Write a file of figures, and what else is to be said of all of them, whole or not at all; raises OutputError."""
    text = json.dumps(
        {"arms": rounded(dict(sorted(entries.items()))), **rounded(about or {})}, indent=1, allow_nan=False
    )
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def rounded(value: Any) -> Any:
    """Return plain values with numbers of at most six decimals."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return round(value, _DIGITS) if isinstance(value, float) else value


def commit() -> str:
    """Return the commit of this code, ``-dirty`` where files differ from it; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
