"""Read a table from CSV, Parquet or JSON Lines, compressed by xz or not."""

import io
import lzma
from pathlib import Path

import polars as pl

from retort.errors import InputFileError

_KINDS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


def read_table(path: Path) -> pl.DataFrame:
    """Read the whole table; every CSV column arrives as text or number as polars infers it.

    Raises:
        InputFileError: The file is missing, of an unknown kind, or cannot be parsed.
    """
    suffixes = [s.lower() for s in path.suffixes]
    compressed = suffixes[-1:] == [".xz"]
    kind = (suffixes[-2:-1] if compressed else suffixes[-1:]) or [""]
    if kind[0] not in _KINDS:
        raise InputFileError(f"{str(path)!r} is of an unknown kind.", f"Known: {', '.join(_KINDS)}, each with .xz too.")
    try:
        data = path.read_bytes()
        return _parse(kind[0], lzma.decompress(data) if compressed else data)
    except OSError as error:
        raise InputFileError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    except lzma.LZMAError as error:
        raise InputFileError(f"{str(path)!r} is damaged: {error}.") from error
    except pl.exceptions.PolarsError as error:
        raise InputFileError(f"cannot read {str(path)!r}: {error}.") from error


def _parse(kind: str, data: bytes) -> pl.DataFrame:
    if kind == ".parquet":
        return pl.read_parquet(io.BytesIO(data))
    if kind in (".jsonl", ".ndjson"):
        return pl.read_ndjson(data, infer_schema_length=None)
    return pl.read_csv(data, separator="\t" if kind == ".tsv" else ",", infer_schema_length=None)
