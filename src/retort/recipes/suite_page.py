"""The report of a suite as one self-contained page: tables, plots, what was not run."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from retort.errors import OutputError
from retort.recipes import suite_table as table
from retort.recipes.suite_plots import curves, dots

Content = Mapping[str, Any]


def write_page(found: Content, path: Path, say: Callable[[str], None]) -> None:
    """Write the page, or say why there is none: figures can be had without.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        say("no page: jinja2 is not installed (extra [train]); report.md has the same figures")
        return
    pages = files("retort.recipes") / "pages"
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string((pages / "suite.html").read_text("utf-8"))
    page = template.render(
        style=(pages / "style.css").read_text("utf-8"),
        suite=found["suite"],
        summary=found["summary"],
        told=[text.replace("`", "") for text in table.told(found)],
        parts=[_shown(part) for part in found["parts"]],
        leaks=_cells(table.leak_table(found["parts"])),
        missing=list(table.not_run(found["parts"])),
    )
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
    say(f"a page that shows it: {path}")


def _shown(part: Content) -> Content:
    """Return what the page shows of one part."""
    if part["status"] != "scored":
        return {"name": part["name"], "run": False, "about": part["reason"]}
    scored = [entry for entry in part["entries"] if entry["status"] == "scored"]
    return {
        "name": part["name"],
        "run": True,
        "about": table.about(part),
        "heads": list(map(table.label, part["shown"])),
        "rows": [
            (table.named(e), e["kind"], e["about"], [*table.cells(part, e["report"]), table.unanswered(e["report"])])
            for e in scored
        ],
        "unseen": [(e["who"], e["unseen"]["n"], table.cells(part, e["unseen"])) for e in scored if "unseen" in e],
        "first": part["first"],
        "gains": list(table.gain_rows(part)),
        "anchors": list(table.anchor_rows(part)),
        "dots": dots(part),
        "curves": curves(part),
    }


def _cells(lines: list[str]) -> list[list[str]]:
    """Return the cells of a table in Markdown, its head first."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]
