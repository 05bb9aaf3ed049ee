"""How predictions are written: JSON Lines, CSV, a table for people, a picture."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from retort.inference.prediction import Candidate, Prediction
from retort.inference.questions import split_roles
from retort.prompting.candidates import filled, split_candidates
from retort.prompting.task import TASKS

if TYPE_CHECKING:
    from rich.console import Group

    from retort.chem.depict import Panel

CSV_COLUMNS = (
    *("task", "query", "status", "message", "model"),
    *("rank", "smiles", "score", "confidence", "proposer"),
)
ANSWER_COLUMN = CSV_COLUMNS.index("smiles")
PICTURED = 5  # candidates in a picture


def json_lines(predictions: Iterable[Prediction]) -> str:
    """Return one JSON object per prediction and line, in ASCII, so that no terminal or pipe can break it."""
    return "".join(json.dumps(p.to_dict(), allow_nan=False) + "\n" for p in predictions)


def csv_header(task: str) -> str:
    """Return the first line of a CSV file: the column of the answers is named after their kind."""
    return ",".join((*CSV_COLUMNS[:ANSWER_COLUMN], *_columns(task), *CSV_COLUMNS[ANSWER_COLUMN + 1 :])) + "\n"


def _columns(task: str) -> tuple[str, ...]:
    """Return the columns of an answer: a number has its interval, a candidate out of a list its number too."""
    chosen, number = TASKS.get(task), ("value", "low", "high")
    if chosen.ranked_by:
        return ("smiles", *number)
    return number if chosen.answer_kind == "value" else (chosen.answer_kind,)


def csv_rows(predictions: Iterable[Prediction]) -> str:
    """Return one CSV row per candidate, and one with empty candidate cells where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for p in predictions:
        own, columns = [p.task, p.query, p.status, p.message, p.model], _columns(p.task)
        for c in p.candidates:
            confidence = "" if c.confidence is None else c.confidence
            writer.writerow([*own, c.rank, *_cells(c, columns), round(c.score, 6), confidence, c.proposer])
        if not p.candidates:
            writer.writerow([*own, "", *([""] * len(columns)), "", "", ""])
    return text.getvalue()


def _cells(candidate: Candidate, columns: Sequence[str]) -> list[str | float]:
    """Return the answer of a candidate; the ends of an interval are empty where it has none."""
    low, high = candidate.interval or (None, None)
    numbers = {"value": candidate.value, "low": low, "high": high}
    texts = {"smiles": candidate.smiles, "text": candidate.text}
    known = {name: round(number, 2) for name, number in numbers.items() if number is not None} | texts
    return [known.get(name, "") for name in columns]


def table(prediction: Prediction) -> "Group":
    """Return a table of candidates for a terminal, with the message below."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{prediction.task}  {prediction.query}", style="bold")
    message = Text(_sentence(prediction), style="" if prediction.status == "ok" else "red")
    if not prediction.candidates:
        return Group(title, message, Text())
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("rank", justify="right")
    grid.add_column(_heading(prediction.task), overflow="fold", ratio=1)
    grid.add_column("score", justify="right")
    grid.add_column("confidence", justify="right")
    grid.add_column("proposer", no_wrap=True)
    for c in prediction.candidates:
        confidence = "" if c.confidence is None else f"{100 * c.confidence:.1f} %"
        grid.add_row(str(c.rank), Text(c.shown), f"{c.score:.3f}", confidence, Text(c.proposer))
    return Group(title, grid, *([message] if message.plain else []), Text())


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

    roles = split_roles(split_candidates(prediction.given)[0])
    query = ">".join(roles) if len(roles) == 3 else ".".join(filter(None, roles))
    shown = [Panel(query, "query" if prediction.candidates else prediction.status.replace("_", " "))]
    for c in prediction.candidates[:PICTURED]:
        sure = "" if c.confidence is None else f"     confidence {100 * c.confidence:.1f} %"
        answer = "" if c.smiles and c.value is None else f"{c.shown}     "
        text = f"{c.rank}{sure}     {answer}score {c.score:.3f}     {c.proposer}"
        shown.append(Panel(as_reaction(prediction.task, prediction.given, c.smiles) or query, text))
    return shown


def as_reaction(task: str, given: str, answer: str) -> str:
    """Put a question and an answer together as reaction SMILES; the answer alone where the task makes none."""
    reactants, reagents, products = [*split_roles(given), "", ""][:3]
    if task == "retrosynthesis":
        return f"{answer}>>{given}"
    if task == "forward_prediction":
        return f"{reactants}>{reagents}>{answer}"
    if task == "reagent_prediction":
        return f"{reactants}>{answer}>{products}"
    if TASKS.get(task).ranked_by:
        return filled(split_candidates(given)[0], answer)
    return answer


def _sentence(prediction: Prediction) -> str:
    if prediction.status == "ok":
        return prediction.message
    return f"{prediction.status.replace('_', ' ')}: {prediction.message}"
