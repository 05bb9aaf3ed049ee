"""The commands ``retort index build`` and ``retort index search``: known reactions, found again by similarity."""

from pathlib import Path
from typing import Annotated

import typer

from retort.printing import ReportFormat, advance, print_json, print_rows, progress

index_commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Known reactions: build an index of your own, and search it.",
)


@index_commands.command()
def build(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table of reactions: .csv, .parquet or .jsonl.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the index.")],
    column: Annotated[str, typer.Option("--column", help="Column of the reactions, reactants>reagents>products.")] = (
        "reaction"
    ),
    id_column: Annotated[
        str | None, typer.Option("--id-column", help="Column to carry along: a patent, a page of a notebook.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Index the reactions of a table."""
    from retort.recipes.reaction_index import IndexRequest, build_index

    with progress("reactions") as bar:
        built = build_index(
            IndexRequest(file, output, column, id_column, workers), lambda done, of: advance(bar, done, of)
        )
    refused = sum(built.refused.values())
    typer.echo(f"{output}: {built.reactions} distinct reactions of {built.rows} rows, {refused} refused.", err=True)
    for reason, count in built.refused.items():
        typer.echo(f"refused: {reason}: {count}", err=True)


@index_commands.command()
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="reactants>>product, or a product alone.")],
    index: Annotated[Path, typer.Option("--index", metavar="DIR", help="Folder that `retort index build` wrote.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="Reactions to show.")] = 5,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """Show the known reactions that are most like a reaction or a product."""
    from dataclasses import asdict

    from retort.inference.precedents import ReactionIndex

    found = ReactionIndex.open(index).search(query, top_k)
    if form is ReportFormat.json:
        for precedent in found:
            print_json(asdict(precedent))
    elif found:
        print_rows([{"similarity": f"{p.similarity:.3f}", "id": p.id, "reaction": p.reaction} for p in found])
    else:
        typer.echo("Nothing in the index shares anything with the query.")
