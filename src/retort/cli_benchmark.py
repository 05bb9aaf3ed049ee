"""The command ``retort benchmark``: a suite asked of models, or the experiments of a file or folder."""

from pathlib import Path
from typing import Annotated

import typer

from retort.errors import UsageError
from retort.printing import ReportFormat, print_json, print_rows


def benchmark(
    given: Annotated[str, typer.Argument(metavar="SUITE|CONFIG.toml|FOLDER", help="A suite, or experiments to run.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values that replace those of every file.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", metavar="NAME|DIR", help="Of a suite: whom to ask; repeatable.")
    ] = None,
    predictions: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Of a suite: another program's answers; repeatable.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Of a suite: most test rows of a part, drawn by chance.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Of a suite: folder of everything.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """Ask models the rows of a suite beside its baselines, or run experiments; what is done is not done again."""
    from retort.evaluation.suite import suite_names

    if given in suite_names():
        if overrides:
            raise UsageError(
                f"a suite takes no {overrides[0]!r}.", "Its options are --model, --predictions and --limit."
            )
        _suite(given, model, predictions, limit, output, form)
        return
    if model or predictions or limit or output:
        raise UsageError(
            f"--model, --predictions, --limit and --output belong to a suite, and {given!r} is none.",
            f"Suites: {', '.join(suite_names())}.",
        )
    _experiments(given, overrides or [], form)


def _suite(
    name: str,
    models: list[str] | None,
    predictions: list[Path] | None,
    limit: int | None,
    output: Path | None,
    form: ReportFormat,
) -> None:
    from retort.recipes.suite import SuiteRequest, run_suite
    from retort.recipes.suite_table import summary

    asked = tuple(models) if models else () if predictions else ("retort-base",)
    request = SuiteRequest(name, asked, tuple(predictions or ()), limit, output)
    found = run_suite(request, lambda text: typer.echo(text, err=True))
    if form is ReportFormat.json:
        print_json(found)
    else:
        print_rows(summary(found))
        typer.echo(f"{request.folder / 'report.md'} has all figures.")


def _experiments(given: str, overrides: list[str], form: ReportFormat) -> None:
    from retort.recipes.benchmark import run_benchmark
    from retort.recipes.reproduction_page import summary

    done = run_benchmark(Path(given), overrides, lambda text: typer.echo(text, err=True))
    if form is ReportFormat.json:
        print_json({"arms": done.entries})
    else:
        print_rows(summary(done.experiments, done.entries))
    raise typer.Exit(1 if done.failed else 0)
