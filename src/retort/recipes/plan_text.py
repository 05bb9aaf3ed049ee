"""A plan for a terminal: one tree per route."""

from typing import TYPE_CHECKING

from retort.inference.planning.drawing import lines_above, lines_below
from retort.inference.planning.explaining import Notes
from retort.inference.planning.plan import Plan
from retort.inference.planning.routes import Molecule, Route

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text
    from rich.tree import Tree


def shown(plan: Plan) -> "Group":
    """Return the target, its routes as trees, and what the search took."""
    from rich.console import Group
    from rich.text import Text

    title = Text(f"plan  {plan.request.query}", style="bold")
    status = "" if plan.status == "ok" else f"{plan.status.replace('_', ' ')}: "
    message = Text(f"{status}{plan.message}", style="" if plan.status == "ok" else "red")
    routes = [_route(rank, route, plan.notes) for rank, route in enumerate(plan.routes, 1)]
    last = [Text(line) for line in (took(plan), unread(plan)) if line]
    return Group(title, *routes, *([message] if message.plain else []), *last)


def headline(rank: int, route: Route) -> str:
    """Return a route's rank and figures as one line."""
    if not route.steps:
        return f"route {rank}: in stock"
    steps = _number(len(route.steps), "step")
    sure = "" if route.confidence is None else f", confidence of all steps {100 * route.confidence:.2g} %"
    return f"route {rank}: {steps}, longest line {route.depth}, cost {route.cost:.2f}{sure}"


def took(plan: Plan) -> str:
    """Return what the search took as one sentence; empty where none was made."""
    if plan.found is None:
        return ""
    found, first = plan.found, plan.found.first_route
    until = "" if first is None else f" The first route was there after {first:.1f} s."
    return (
        f"{plan.request.search.algorithm}: {_number(found.expansions, 'molecule')} expanded, asked for "
        f"{_number(found.asked, 'time')}, in {found.seconds:.1f} s; {found.ended}.{until}"
    )


def unread(plan: Plan) -> str:
    """Return how many entries of the stock could not be read; empty where all could."""
    stock = plan.request.stock
    if not stock.unreadable:
        return ""
    return f"Stock {plan.request.stock_name}: {stock.unreadable} entries could not be read, {len(stock)} were."


def _number(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _route(rank: int, route: Route, notes: Notes) -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(headline(rank, route)))
    _add(tree, route.target, notes)
    return tree


def _add(tree: "Tree", molecule: Molecule, notes: Notes) -> None:
    branch = tree.add(_label(molecule, notes))
    for reactant in molecule.step.reactants if molecule.step else ():
        _add(branch, reactant, notes)


def _label(molecule: Molecule, notes: Notes) -> "Text":
    """Return a molecule, and below it what is known of the step that makes it."""
    from rich.text import Text

    text = Text(molecule.smiles)
    if molecule.in_stock:
        text.append("  in stock", style="green")
    if molecule.step:
        note = notes.of(molecule.step)
        text.append("\n" + "; ".join([*lines_above(molecule.step, note), *lines_below(note)]), style="dim")
    return text
