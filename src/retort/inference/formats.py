"""How predictions are written: JSON Lines, CSV, a table for people, a picture."""

import csv
import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from retort.inference.explaining import Part
from retort.inference.prediction import Candidate, Prediction
from retort.inference.questions import as_reaction, split_roles
from retort.prompting.candidates import split_candidates
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import is_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from retort.chem.depict import Panel

CSV_COLUMNS = (
    *("task", "query", "status", "message", "model"),
    *("rank", "smiles", "score", "confidence", "proposer"),
)
ANSWER_COLUMN = CSV_COLUMNS.index("smiles")
EVIDENCE_COLUMNS: dict[Part, tuple[str, ...]] = {
    "reaction_type": ("reaction_type", "type_probability"),
    "round_trip": ("round_trip",),
    "precedents": ("precedent", "similarity", "precedent_id"),
    "in_stock": ("in_stock",),
}
"""Part of an explanation -> its columns; a distance stands in the message."""
PICTURED = 5  # candidates in a picture
LEGIBLE = 60  # characters of a text in a picture


def json_lines(predictions: Iterable[Prediction]) -> str:
    """Return one JSON object per prediction and line, in ASCII, so that no terminal or pipe can break it."""
    return "".join(json.dumps(p.to_dict(), allow_nan=False) + "\n" for p in predictions)


def csv_header(task: str, parts: Collection[Part] = ()) -> str:
    """Return the first line of a CSV file: the answers' column is named after their kind, evidence stands behind."""
    evidence = [column for part, columns in EVIDENCE_COLUMNS.items() if part in parts for column in columns]
    answer = _columns(task)
    return ",".join((*CSV_COLUMNS[:ANSWER_COLUMN], *answer, *CSV_COLUMNS[ANSWER_COLUMN + 1 :], *evidence)) + "\n"


def _columns(task: str) -> tuple[str, ...]:
    """Return the columns of an answer: a number has its interval, a candidate out of a list its number too."""
    chosen, number = TASKS.get(task), ("value", "low", "high")
    if chosen.ranked_by:
        return ("smiles", *number)
    return number if chosen.answer_kind == "value" else (chosen.answer_kind,)


def csv_rows(predictions: Iterable[Prediction], parts: Collection[Part] = ()) -> str:
    """Return one CSV row per candidate, and one with empty candidate cells where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for p in predictions:
        own, columns = [p.task, p.query, p.status, p.message, p.model], _columns(p.task)
        for c in p.candidates:
            confidence = "" if c.confidence is None else c.confidence
            answer, more = _cells(c, columns), _evidence(c, parts)
            writer.writerow([*own, c.rank, *answer, round(c.score, 6), confidence, c.proposer, *more])
        if not p.candidates:
            writer.writerow([*own, *[""] * (csv_header(p.task, parts).count(",") + 1 - len(own))])
    return text.getvalue()


def _evidence(candidate: Candidate, parts: Collection[Part]) -> list[object]:
    """Return the cells of the parts; empty where nothing is known, ``none`` where the oracle does not agree."""
    read, trip, stock = candidate.reaction_type, candidate.round_trip, candidate.in_stock
    nearest = candidate.precedents[0] if candidate.precedents else None
    cells: dict[str, list[object]] = {
        "reaction_type": ["", ""] if read is None else [read.name or read.id, round(read.probability, 4)],
        "round_trip": ["" if trip is None else trip.rank or "none"],
        "precedents": ["", "", ""] if nearest is None else [nearest.reaction, nearest.similarity, nearest.id],
        "in_stock": ["" if stock is None else str(all(stock.values())).lower()],
    }
    return [cell for part in EVIDENCE_COLUMNS if part in parts for cell in cells[part]]


def _cells(candidate: Candidate, columns: Sequence[str]) -> list[str | float]:
    """Return the answer of a candidate; the ends of an interval are empty where it has none."""
    low, high = candidate.interval or (None, None)
    numbers = {"value": candidate.value, "low": low, "high": high}
    texts = {"smiles": candidate.smiles, "text": candidate.text}
    known = {name: round(number, 2) for name, number in numbers.items() if number is not None} | texts
    return [known.get(name, "") for name in columns]


def table(prediction: Prediction) -> "Group":
    """Return a table of candidates for a terminal; known reactions and the message stand below."""
    from rich.console import Group
    from rich.text import Text

    title = Text(f"{prediction.task}  {prediction.query}", style="bold")
    message = Text(_sentence(prediction), style="" if prediction.status == "ok" else "red")
    if not prediction.candidates:
        return Group(title, message, Text())
    evidence = evidence_columns(prediction)
    grid = _grid()
    grid.add_column("rank", justify="right")
    grid.add_column(_heading(prediction.task), overflow="fold", ratio=1)
    if not evidence:
        grid.add_column("score", justify="right")
    grid.add_column("confidence", justify="right")
    for name in evidence:
        grid.add_column(name)
    grid.add_column("proposer", no_wrap=True)
    for c in prediction.candidates:
        confidence = "" if c.confidence is None else f"{100 * c.confidence:.1f} %"
        score = [] if evidence else [f"{c.score:.3f}"]
        cells = [Text(cell(c)) for cell in evidence.values()]
        grid.add_row(str(c.rank), Text(c.shown), *score, confidence, *cells, Text(c.proposer))
    below = [*_known_reactions(prediction), *_oracle(prediction), *([message] if message.plain else [])]
    return Group(title, grid, *below, Text())


def evidence_columns(prediction: Prediction) -> dict[str, Callable[[Candidate], str]]:
    """Return heading -> what to show of a candidate, for every part of an explanation that any candidate has."""
    known = prediction.candidates
    columns: dict[str, Callable[[Candidate], str]] = {}
    if any(c.reaction_type for c in known):
        columns["type"] = _shown_type
    if any(c.round_trip for c in known):
        columns["round trip"] = lambda c: "no answer" if c.round_trip is None else c.round_trip.shown
    if any(c.in_stock is not None for c in known):
        columns["in stock"] = lambda c: f"{sum((c.in_stock or {}).values())} of {len(c.in_stock or {})}"
    if any(c.precedents for c in known):
        columns["nearest"] = lambda c: f"{c.precedents[0].similarity:.2f}" if c.precedents else "none"
    return columns


def _shown_type(candidate: Candidate) -> str:
    read = candidate.reaction_type
    return "" if read is None else f"{read.name or read.id} {100 * read.probability:.0f} %"


def _known_reactions(prediction: Prediction) -> "Iterator[Text | Table]":
    """Yield a table of the nearest known reaction of each candidate, where any has one."""
    from rich.text import Text

    if not any(c.precedents for c in prediction.candidates):
        return
    grid = _grid()
    grid.add_column("rank", justify="right")
    grid.add_column("id", overflow="fold")
    grid.add_column("nearest known reaction", overflow="fold", ratio=1)
    for c in prediction.candidates:
        for nearest in c.precedents[:1]:
            grid.add_row(str(c.rank), Text(nearest.id), Text(nearest.reaction))
    yield grid


def _oracle(prediction: Prediction) -> "Iterator[Text]":
    from rich.text import Text

    for trip in [c.round_trip for c in prediction.candidates if c.round_trip][:1]:
        yield Text(f"Round trip: the place at which {trip.oracle} comes back to the query.")


def _grid() -> "Table":
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _heading(name: str) -> str:
    task = TASKS.get(name)
    if task.ranked_by:
        return f"SMILES  {TASKS.get(task.ranked_by).unit} [interval]"
    return {"smiles": "SMILES", "text": "answer", "value": f"{task.unit} [interval]".strip()}[task.answer_kind]


def picture(prediction: Prediction) -> bytes:
    """Draw the query and its first candidates as reactions, as SVG.

    Raises:
        ChemistryError: The query cannot be drawn.
    """
    from retort.chem.depict import draw

    return draw(panels(prediction))


def panels(prediction: Prediction) -> "list[Panel]":
    """Return the parts of a picture: the query, then its first candidates with rank, score and proposer."""
    from retort.chem.depict import Panel

    roles = [] if is_text(prediction.given) else split_roles(split_candidates(prediction.given)[0])
    query = ">".join(roles) if len(roles) == 3 else ".".join(filter(None, roles))
    shown = [Panel(query, "query" if prediction.candidates else prediction.status.replace("_", " "))] if query else []
    for c in prediction.candidates[:PICTURED]:
        sure = "" if c.confidence is None else f"     confidence {100 * c.confidence:.1f} %"
        answer = "" if c.smiles and c.value is None else f"{shorten(c.shown, LEGIBLE)}     "
        text = f"{c.rank}{sure}     {answer}score {c.score:.3f}     {c.proposer}"
        shown.append(Panel(as_reaction(prediction.task, prediction.given, c.smiles) or query, text))
    return shown


def _sentence(prediction: Prediction) -> str:
    if prediction.status == "ok":
        return prediction.message
    return f"{prediction.status.replace('_', ' ')}: {prediction.message}"
