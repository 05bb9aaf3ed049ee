"""The command ``retort plan``: routes of several steps from a target down to a stock."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from retort.printing import console


class PlanFormat(StrEnum):
    """How a plan is printed."""

    table = "table"
    json = "json"
    html = "html"


class Search(StrEnum):
    """How routes are searched."""

    retro_star = "retro_star"
    mcts = "mcts"


_ALGORITHMS: dict[Search, Literal["retro_star", "mcts"]] = {Search.retro_star: "retro_star", Search.mcts: "mcts"}


def plan(
    target: Annotated[str, typer.Argument(metavar="SMILES", help="What is to be made.")],
    stock: Annotated[
        str, typer.Option("--stock", "-s", metavar="FILE|SOURCE", help="What is at hand: SMILES or InChI keys.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|DIR", help="Who proposes steps.")
    ] = "retort-base",
    search: Annotated[Search, typer.Option(help="Retro*, or Monte-Carlo tree search.")] = Search.retro_star,
    routes: Annotated[int, typer.Option("--routes", "-n", min=1, help="Most routes; 1 ends at the first.")] = 3,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="Proposals per molecule.")] = 10,
    depth: Annotated[int, typer.Option(min=1, help="Most steps in a line; of mcts, in a route.")] = 6,
    expansions: Annotated[int, typer.Option(min=1, help="Most molecules that the model is asked.")] = 100,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of searching.")] = 60.0,
    explain: Annotated[bool, typer.Option("--explain", help="Add conditions and the round trip to steps.")] = False,
    make_anyway: Annotated[bool, typer.Option("--make-anyway", help="Plan a target that is in stock too.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER|FILE", help="A folder, or .json, .html, .svg.")
    ] = None,
    form: Annotated[PlanFormat, typer.Option("--format", "-f", help="What is printed.")] = PlanFormat.table,
) -> None:
    """Plan routes from a target down to molecules in stock (extra [search])."""
    from retort.inference.predictor import Predictor
    from retort.recipes import plan as recipe

    if output is not None:
        recipe.kind_of(output)  # a name that tells nothing is refused before the work
    config = recipe.SearchConfig(_ALGORITHMS[search], routes, top_k, depth, expansions, timeout)
    request = recipe.PlanRequest(target, recipe.load_stock(stock), stock, config, explain, make_anyway)
    done = recipe.make_plan(Predictor.load(model), request)
    if output is not None:
        written = recipe.write_plan(done, output)
        typer.echo(f"{output}: {', '.join(path.name for path in written) or 'no route to draw'}", err=True)
    if form is PlanFormat.table:
        console().print(recipe.shown(done))
    else:
        typer.echo(recipe.as_json(done) if form is PlanFormat.json else recipe.page(done), nl=False)
    raise typer.Exit(0 if done.status == "ok" else 1)
