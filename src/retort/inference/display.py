"""Answers as a notebook shows them: a piece of HTML with drawings of molecules, without scripts or outside files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from retort.chem.depict import Panel, draw
from retort.errors import ChemistryError
from retort.inference.formats import PICTURED, evidence_columns
from retort.inference.prediction import Candidate, Prediction
from retort.inference.questions import split_roles

SHOWN = 5  # answers of many; the rest is counted
WIDTH, WHOLE, HEIGHT = 190, 760, 110  # of a molecule, of a reaction, and of both; in pixels
_QUOTE = '"'
_HEAD = re.compile(r"^<\?xml[^>]*\?>\s*")
_FRAME = "border:1px solid #d0d7de;border-radius:6px;padding:8px 12px;margin:6px 0;background:#fff;color:#1f2328"
_CELL = "text-align:left;vertical-align:middle;padding:2px 12px 2px 0;border:0;background:#fff;color:#1f2328"


def page(predictions: Sequence[Prediction]) -> str:
    """Return the first answers, one below the other, and how many more there are."""
    more = len(predictions) - SHOWN
    tail = f"<div>... and {more} more; to_frame() has all.</div>" if more > 0 else ""
    return "".join(map(_answer, predictions[:SHOWN])) + tail


def _answer(prediction: Prediction) -> str:
    status = "" if prediction.status == "ok" else f"<b>{escape(prediction.status.replace('_', ' '))}:</b> "
    parts = [
        f"<div><b>{escape(prediction.task)}</b> &nbsp; <code>{escape(prediction.query)}</code></div>",
        f"<div>{_drawing(prediction.given)}</div>",
        _table(prediction),
        *_precedents(prediction.candidates),
        f"<div>{status}{escape(prediction.message)}</div>" if prediction.message else "",
    ]
    return f'<div style="{_FRAME}">{"".join(parts)}</div>'


def _table(prediction: Prediction) -> str:
    if not prediction.candidates:
        return ""
    evidence = evidence_columns(prediction)
    rows = [_row("th", ["", "answer", "confidence", *map(escape, evidence), "proposer"])]
    for c in prediction.candidates:
        drawn = f"{_drawing(c.smiles)}<br>" if c.smiles and c.rank <= PICTURED else ""
        answer = f"{drawn}<code>{escape(c.shown)}</code>"
        shown = [escape(cell(c)) for cell in evidence.values()]
        rows.append(_row("td", [str(c.rank), answer, _bar(c.confidence), *shown, escape(c.proposer)]))
    return f'<table style="border-collapse:collapse">{"".join(rows)}</table>'


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag} style={_QUOTE}{_CELL}{_QUOTE}>{cell}</{tag}>' for cell in cells)}</tr>"


def _precedents(candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield the known reactions of the first candidate, drawn, where it has any."""
    for precedent in [p for candidate in candidates[:1] for p in candidate.precedents]:
        label = f"{precedent.similarity:.2f} {precedent.id}".strip()
        yield f"<div>known, like the first: {escape(label)}<br>{_drawing(precedent.reaction)}</div>"


def _bar(confidence: float | None) -> str:
    """Return a bar of up to 80 pixels with its number; a dash where there is no confidence."""
    if confidence is None:
        return "-"
    bar = f'<span style="display:inline-block;height:8px;width:{80 * confidence:.0f}px;background:#2f6feb"></span>'
    return f"{bar} {100 * confidence:.1f} %"


def _drawing(smiles: str) -> str:
    """Return a drawing of a reaction, or of molecules side by side; nothing where there is no structure."""
    roles = split_roles(smiles)
    if len(roles) == 3:
        return _svg(smiles, WHOLE)
    return "".join(_svg(molecule, WIDTH) for role in roles for molecule in role.split(".") if molecule)


def _svg(smiles: str, width: int) -> str:
    """Return SVG; nothing where it cannot be drawn."""
    try:
        svg = draw([Panel(smiles)], width=width, height=HEIGHT).decode()
    except ChemistryError:
        return ""
    return f'<div style="display:inline-block">{_HEAD.sub("", svg)}</div>'
