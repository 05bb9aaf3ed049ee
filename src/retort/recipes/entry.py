"""Recipes as programs: ``python -m retort.recipes.NAME ...`` prints its result, or one line that says what is wrong."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from retort.errors import RetortError, UsageError


class UnfinishedError(RetortError):
    """A piece of work was ended before it was done; the same call goes on with it."""


def run_with_config(work: Callable[[Path, Sequence[str]], object], arguments: Sequence[str] | None = None) -> int:
    """Run ``work(configuration file, overrides)`` on the command line's arguments; return the exit code."""
    return run(lambda given: work(Path(given[0]), given[1:]), "CONFIG.toml [KEY=VALUE]...", 1, arguments)


def run(work: Callable[[Sequence[str]], object], usage: str, least: int, arguments: Sequence[str] | None = None) -> int:
    """Run ``work(arguments)`` and print what it returns; return the exit code.

    Args:
        work: What to do; it gets at least ``least`` arguments.
        usage: What the arguments are.
        least: How many there must be.
        arguments: Those of the command line by default.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if len(given) < least:
            raise UsageError(f"at least {least} argument(s) are needed, not {len(given)}.", f"Give {usage}.")
        print(work(given))
    except RetortError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0
