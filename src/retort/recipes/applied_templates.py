"""What templates made of substrates, remembered on disk: many rankings of the same rows cost little more than one."""

import sys
from pathlib import Path
from typing import Any

import polars as pl

from retort.chem.templates import Substrate, Template
from retort.errors import DataError

_SCHEMA: dict[str, Any] = {"substrate": pl.String, "template": pl.String, "answers": pl.List(pl.String)}


class AppliedTemplates:
    """Applies templates of one direction, each once to a substrate.

    Args:
        path: File that is read now and written by :meth:`save`.

    Raises:
        DataError: The file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, tuple[str, ...]]] = {}
        self._fresh = 0
        for substrate, template, answers in _read(path):
            self._known.setdefault(substrate, {})[sys.intern(template)] = tuple(answers)

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def apply(self, template: Template, substrate: Substrate) -> tuple[str, ...]:
        """Return what :meth:`Template.apply` returns."""
        known = self._known.setdefault(substrate.smiles, {})
        if template.smarts not in known:
            known[sys.intern(template.smarts)] = template.apply(substrate)
            self._fresh += 1
        return known[template.smarts]

    def save(self, least: int = 1) -> None:
        """Write the file, replacing an older one at once, where at least so many results are new."""
        if self._fresh < least:
            return
        rows = [(s, template, answers) for s, known in self._known.items() for template, answers in known.items()]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        pl.DataFrame(rows, schema=_SCHEMA, orient="row").write_parquet(partial)
        partial.replace(self._path)
        self._fresh = 0


def _read(path: Path) -> list[tuple[str, str, list[str]]]:
    if not path.exists():
        return []
    try:
        return pl.read_parquet(path).select(*_SCHEMA).rows()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read the applied templates {str(path)!r}: {error}.", "Delete it.") from error
