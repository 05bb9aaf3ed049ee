"""Every error that retort raises on purpose.

Each message names the offending value; each ``hint`` names the next step. The command line prints both on
one line and leaves with ``exit_code`` (2: the command was used wrongly; 1: the work could not be done).
"""

import difflib
from collections.abc import Iterable


class RetortError(Exception):
    """Base of all errors of this package.

    Args:
        message: What is wrong, naming the value.
        hint: What to do next, as one sentence; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(RetortError):
    """The command or call itself is wrong."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that no registry entry or field bears."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"unknown {kind} {name!r}.", did_you_mean(name, known))
        self.name = name


class ConfigError(UsageError):
    """A configuration file or override that does not fit its schema."""


class InputFileError(UsageError):
    """An input file that is missing, empty, of an unknown kind or lacks a column."""


class MissingExtraError(UsageError):
    """A feature whose optional dependencies are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra [{extra}].", f"Install it with: pip install 'retort[{extra}]'.")


class ChemistryError(RetortError):
    """A molecule or reaction that cannot be read."""


class DataError(RetortError):
    """Data that are absent, damaged or inconsistent."""


class ModelError(RetortError):
    """A model folder that is absent, damaged or of another kind than asked for."""


class OutputError(RetortError):
    """A result that could not be written (disk full, no permission)."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known name, or the list of all when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(known)}." if known else "None is registered."
