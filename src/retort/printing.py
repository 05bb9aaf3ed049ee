"""How commands print: tables, JSON, progress on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


class ReportFormat(StrEnum):
    """How a report or list is printed."""

    table = "table"
    json = "json"


@contextmanager
def progress(unit: str) -> "Iterator[Progress]":
    """Show a bar on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        bar.add_task(unit, total=None)
        yield bar


def advance(bar: "Progress", done: int, of: int) -> None:
    """Move a bar to ``done`` of ``of``."""
    bar.update(bar.task_ids[0], completed=done, total=of)


def print_json(value: Any) -> None:
    """Print one value as one line of JSON."""
    import json

    typer.echo(json.dumps(value, allow_nan=False))


def print_rows(rows: list[dict[str, str]]) -> None:
    """Print rows of equal keys as a table without lines."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0]:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row.values()))
    console().print(grid)


def console() -> Any:
    """Return a console as wide as the terminal, or wide enough for any SMILES where there is none."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=200)
