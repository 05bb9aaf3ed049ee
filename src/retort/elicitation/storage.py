"""Arrays on disk: one npz file with its format, version and settings inside, written whole or not at all.

No pickle, so a file from elsewhere runs no code.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError, OutputError


def write(path: Path, kind: str, version: int, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write settings (plain values) and arrays to one file.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    text = json.dumps({"format": kind, "version": version, **settings})
    content: dict[str, Any] = {"meta": np.frombuffer(text.encode(), np.uint8), **arrays}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez_compressed(file, **content)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def read(path: Path, kind: str, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the settings and arrays of a file.

    Raises:
        ModelError: The file is missing, damaged, of another format or of another version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        found = (meta.pop("format"), meta.pop("version"))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ModelError(f"cannot read {str(path)!r}: {error}.", "Copy the file or elicit the types again.") from error
    if found != (kind, version):
        raise ModelError(
            f"{str(path)!r} is {found[0]!r} version {found[1]!r}, not {kind!r} version {version}.",
            "Elicit the types again with this version of retort.",
        )
    return meta, arrays
