"""A route as a picture: the target on the left, what each step needs to its right, as SVG text.

Molecules in stock have a green frame. What is known of a step stands on the line from its reactants to its product.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from retort.chem.depict import Panel, draw
from retort.inference.planning.explaining import Note, Notes
from retort.inference.planning.routes import Molecule, Route, Step

WIDTH, HEIGHT = 190, 150  # of a molecule's box, in pixels
GAP, ROOM = 262, 22  # between two columns of boxes, and between two rows
_MARGIN = 14
_LINE = 15  # between two lines of text
_LONGEST = 38  # characters of a line of text
_GREEN, _GREY, _INK, _QUIET = "#2e8b57", "#9aa1ab", "#1d2126", "#5b626c"


@dataclass(frozen=True)
class _Box:
    """A molecule in its place: left and upper edge in pixels, how often its step needs it, and the boxes below it."""

    molecule: Molecule
    count: int
    left: float
    top: float
    below: "tuple[_Box, ...]"

    @property
    def middle(self) -> float:
        return self.top + HEIGHT / 2

    def walk(self) -> "Iterator[_Box]":
        yield self
        for box in self.below:
            yield from box.walk()


def draw_route(route: Route, notes: Notes | None = None) -> str:
    """Draw a route as SVG.

    Args:
        route: What is drawn.
        notes: What is written beside its steps; class, confidence and proposer alone without them.

    Raises:
        ChemistryError: A molecule cannot be drawn.
    """
    root, rows = _placed(route.target, 1, 0, 0)
    boxes = list(root.walk())
    width = max(box.left for box in boxes) + WIDTH + _MARGIN
    height = rows * (HEIGHT + ROOM) - ROOM + 2 * _MARGIN
    size = f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'"
    look = f"style='max-width:{width:.0f}px' font-family='sans-serif' font-size='12'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} {look}>",
        "<rect width='100%' height='100%' fill='#ffffff'/>",
        *(line for box in boxes for line in _joined(box)),
        *(_drawn(box) for box in boxes),
        *(text for box in boxes if box.molecule.step for text in _told(box, box.molecule.step, notes or Notes())),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _placed(molecule: Molecule, count: int, column: int, row: int) -> tuple[_Box, int]:
    """Place a molecule and all below it from a row on; also return the first row that is free."""
    left = _MARGIN + column * (WIDTH + GAP)
    if molecule.step is None:
        return _Box(molecule, count, left, _MARGIN + row * (HEIGHT + ROOM), ()), row + 1
    below: list[_Box] = []
    times = Counter(reactant.smiles for reactant in molecule.step.reactants)
    for smiles, reactant in {reactant.smiles: reactant for reactant in molecule.step.reactants}.items():
        box, row = _placed(reactant, times[smiles], column + 1, row)
        below.append(box)
    return _Box(molecule, count, left, (below[0].top + below[-1].top) / 2, tuple(below)), row


def _drawn(box: _Box) -> str:
    """Draw a molecule in its frame."""
    words = "in stock" if box.molecule.in_stock else ""
    times = f"{box.count} equivalents" if box.count > 1 else ""
    text = ", ".join(filter(None, (times, words)))
    picture = draw([Panel(box.molecule.smiles, text)], width=WIDTH, height=HEIGHT).decode()
    placed = picture[picture.index("<svg ") :].replace("<svg ", f"<svg x='{box.left}' y='{box.top}' ", 1).rstrip()
    colour, weight = (_GREEN, 2) if box.molecule.in_stock else (_GREY, 1)
    frame = (
        f"<rect x='{box.left}' y='{box.top}' width='{WIDTH}' height='{HEIGHT}' rx='6' fill='none' "
        f"stroke='{colour}' stroke-width='{weight}'/>"
    )
    return f"<g><title>{escape(box.molecule.smiles)}</title>{placed}{frame}</g>"


def _joined(box: _Box) -> Iterator[str]:
    """Draw the lines from the reactants of a step to its product, with the tip at the product."""
    if not box.below:
        return
    edge, fork = box.left + WIDTH, box.left + WIDTH + GAP - 20
    for child in box.below:
        points = f"{child.left},{child.middle} {fork},{child.middle} {fork},{box.middle} {edge + 6},{box.middle}"
        yield f"<polyline points='{points}' fill='none' stroke='{_GREY}' stroke-width='1.5'/>"
    tip = f"{edge},{box.middle} {edge + 9},{box.middle - 5} {edge + 9},{box.middle + 5}"
    yield f"<polygon points='{tip}' fill='{_GREY}'/>"


def _told(box: _Box, step: Step, notes: Notes) -> Iterator[str]:
    """Write what is known of a step: class and confidence above its line, conditions and round trip below."""
    note = notes.of(step)
    above, below = lines_above(step, note), lines_below(note)
    x = box.left + WIDTH + 14
    for place, text in enumerate(reversed(above)):
        yield _text(text, x, box.middle - 8 - place * _LINE, _INK)
    for place, text in enumerate(below):
        yield _text(text, x, box.middle + 18 + place * _LINE, _QUIET)


def lines_above(step: Step, note: Note) -> list[str]:
    """Return class, confidence and proposer of a step as lines of text."""
    confidence = step.candidate.confidence
    sure = f"score {step.candidate.score:.2f}" if confidence is None else f"confidence {100 * confidence:.0f} %"
    return [*([note.reaction_class] if note.reaction_class else []), f"{sure}, {step.candidate.proposer}"]


def lines_below(note: Note) -> list[str]:
    """Return the likeliest conditions and the round trip of a step as lines of text, where they were asked."""
    lines = []
    if note.conditions is not None:
        lines += [f"with {note.conditions[0].smiles or 'no reagent'}"] if note.conditions else ["conditions unknown"]
    return [*lines, *([f"round trip: {note.round_trip.shown}"] if note.round_trip else [])]


def _text(text: str, x: float, y: float, colour: str) -> str:
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"<text x='{x}' y='{y}' fill='{colour}'><title>{escape(text)}</title>{escape(short)}</text>"
