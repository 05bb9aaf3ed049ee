"""A plan as one self-contained page: every route drawn, and every step with its conditions."""

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from retort.chem.depict import Panel, draw
from retort.inference.planning.drawing import draw_route, lines_above
from retort.inference.planning.explaining import Note
from retort.inference.planning.plan import Plan
from retort.inference.planning.routes import Route, Step
from retort.recipes.plan_text import headline, took, unread


def page(plan: Plan) -> str:
    """Return the page as HTML; it needs nothing from elsewhere.

    Raises:
        ChemistryError: A molecule cannot be drawn.
    """
    style = (files("retort.recipes") / "pages" / "style.css").read_text("utf-8")
    name = escape(plan.target or plan.request.query)
    parts = [
        "<!doctype html>",
        f"<html lang='en'><head><meta charset='utf-8'><title>Routes to {name}</title>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<style>{style}</style></head><body><main>",
        f"<h1>Routes to <code>{name}</code></h1>",
        *(f"<p>{escape(line)}</p>" for line in _lines(plan)),
        *(part for rank, route in enumerate(plan.routes, 1) for part in _section(rank, route, plan)),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _lines(plan: Plan) -> list[str]:
    status = "" if plan.status == "ok" else f"{plan.status.replace('_', ' ')}: "
    about = f"Model {plan.model}, stock {plan.request.stock_name}."
    meaning = (
        "The confidence of a step is the calibrated probability that it is the recorded one, not that it works in the "
        "flask; costs are the negative logarithms of these, summed."
    )
    return [line for line in (f"{status}{plan.message}", about, took(plan), unread(plan), meaning) if line]


def _section(rank: int, route: Route, plan: Plan) -> Iterator[str]:
    yield f"<h2>{escape(headline(rank, route))}</h2>"
    yield f"<div class='wide drawing'>{draw_route(route, plan.notes)}</div>"
    if route.steps:
        yield f"<details><summary>{len(route.steps)} steps, in the order of the flask</summary>"
        yield from (_step(number, step, plan.notes.of(step)) for number, step in enumerate(route.steps, 1))
        yield "</details>"


def _step(number: int, step: Step, note: Note) -> str:
    """Return one step as a card: the reaction drawn with its likeliest conditions, and all that is said of it."""
    reagents = note.conditions[0].smiles if note.conditions else ""
    drawing = draw([Panel(f"{step.candidate.smiles}>{reagents}>{step.product}")]).decode()
    told = [", ".join(lines_above(step, note)), f"proposal {step.candidate.rank} of the model"]
    told += [f"conditions {place}: {c.smiles or 'no reagent'}" for place, c in enumerate(note.conditions or (), 1)]
    told += [f"round trip, judged by {note.round_trip.oracle}: {note.round_trip.shown}"] if note.round_trip else []
    items = "".join(f"<li>{escape(line)}</li>" for line in told)
    svg = drawing[drawing.index("<svg ") :]
    return f"<article><h3>Step {number}</h3><div class='drawing'>{svg}</div><ul>{items}</ul></article>"
