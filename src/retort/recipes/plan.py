"""Plan a target and write the plan: JSON, a page, or a folder with both, the trees alone, and pictures."""

import json
from pathlib import Path

from retort.errors import OutputError, UsageError
from retort.inference.planning.drawing import draw_route
from retort.inference.planning.plan import Plan, PlanRequest, make_plan
from retort.inference.planning.search import SearchConfig
from retort.inference.planning.stocks import load_stock
from retort.recipes.plan_page import page
from retort.recipes.plan_text import shown

__all__ = [
    "Plan",
    "PlanRequest",
    "SearchConfig",
    "as_json",
    "kind_of",
    "load_stock",
    "make_plan",
    "page",
    "shown",
    "write_plan",
]

JSON, TREES, PAGE = "plan.json", "routes.json", "plan.html"
KINDS = (".json", ".html", ".svg")


def write_plan(plan: Plan, output: Path) -> list[Path]:
    """Write a plan and return the files that were written.

    Args:
        plan: What is written.
        output: A file ``.json`` (the plan), ``.html`` (the page) or ``.svg`` (the first route); or a folder, which gets
            all of them, a picture of each route, and ``routes.json``: the trees alone, in the form that others read.

    Without a route there is no picture.

    Raises:
        UsageError: The name of the file tells no kind.
        OutputError: It cannot be written.
    """
    contents = _contents(plan, output, kind_of(output))
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {str(output)!r}: {error.strerror or error}.") from error
    return list(contents)


def kind_of(output: Path) -> str:
    """Return the kind of a file, or nothing for a folder; raises UsageError where the name tells neither."""
    kind = output.suffix.lower()
    if output.is_dir() or not kind:
        return ""
    if kind not in KINDS:
        raise UsageError(f"cannot tell how to write {str(output)!r}.", f"Name it {', '.join(KINDS)}, or name a folder.")
    return kind


def as_json(plan: Plan) -> str:
    """Return a plan as one line of JSON in ASCII."""
    return json.dumps(plan.to_dict(), allow_nan=False) + "\n"


def _contents(plan: Plan, output: Path, kind: str) -> dict[Path, str]:
    """Return file -> text of everything that is to be written."""
    if kind == ".json":
        return {output: as_json(plan)}
    if kind == ".html":
        return {output: page(plan)}
    if kind == ".svg":
        return {output: draw_route(plan.routes[0], plan.notes)} if plan.routes else {}
    pictures = {output / f"route_{rank}.svg": draw_route(r, plan.notes) for rank, r in enumerate(plan.routes, 1)}
    trees = json.dumps(plan.trees(), indent=1, allow_nan=False) + "\n"
    return {output / JSON: as_json(plan), output / TREES: trees, output / PAGE: page(plan), **pictures}
