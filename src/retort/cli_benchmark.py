"""The command ``retort benchmark``: run, score and compare the experiments of a file or folder."""

from pathlib import Path
from typing import Annotated

import typer

from retort.printing import ReportFormat, print_json, print_rows


def benchmark(
    given: Annotated[str, typer.Argument(metavar="SUITE|CONFIG.toml|FOLDER", help="Experiments to run.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values that replace those of every file.")
    ] = None,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """Run experiments, score them, and compare each with the one it names; what is done is not done again."""
    from retort.recipes.benchmark import run_benchmark
    from retort.recipes.reproduction_page import summary

    done = run_benchmark(Path(given), overrides or [], lambda text: typer.echo(text, err=True))
    if form is ReportFormat.json:
        print_json({"arms": done.entries})
    else:
        print_rows(summary(done.experiments, done.entries))
    raise typer.Exit(1 if done.failed else 0)
