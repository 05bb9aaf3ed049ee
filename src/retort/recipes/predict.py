"""Predict: queries -> model -> answers, printed or written to a file that survives interruption."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retort.errors import OutputError, UsageError
from retort.inference.bulk import Progress, ResultFile
from retort.inference.explaining import Explain
from retort.inference.formats import csv_header, csv_rows, json_lines, panels, picture
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.inference.queries import checksum
from retort.prompting.task import TASKS

Format = Literal["json", "csv"]
CHUNK = 64  # queries that are answered and written together
_SUFFIXES: dict[str, Format] = {".jsonl": "json", ".json": "json", ".csv": "csv"}


@dataclass(frozen=True)
class PredictRequest:
    """What is asked.

    Attributes:
        task: Name or alias of a task.
        queries: One text per query.
        top_k: Candidates per query at most.
        reaction_class: Curated class of all queries, 1-10.
        images: Folder for one picture per query; none is drawn without it.
        explain: Which evidence is added, see :meth:`Predictor.predict`.
    """

    task: str
    queries: Sequence[str]
    top_k: int = 10
    reaction_class: int | None = None
    images: Path | None = None
    explain: Explain = None


def predict(predictor: Predictor, request: PredictRequest, start: int = 0) -> Iterator[list[Prediction]]:
    """Yield answers in input order, one list per chunk, beginning with query number ``start`` (from 0)."""
    for first in range(start, len(request.queries), CHUNK):
        answers = predictor.predict(
            request.task,
            request.queries[first : first + CHUNK],
            request.top_k,
            reaction_class=request.reaction_class,
            explain=request.explain,
        )
        if request.images is not None:
            save_images(request.images, answers, first)
        yield answers


def predict_to_file(
    predictor: Predictor,
    request: PredictRequest,
    output: Path,
    form: Format | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Write the answers of a batch to a file, going on where an earlier run of the same batch stopped.

    Args:
        predictor: The model.
        request: The batch.
        output: The file to write.
        form: ``json`` or ``csv``; told by the name of the output where it is None.
        on_progress: Called at the start and after every chunk.

    Returns:
        The state at the end; complete.

    Raises:
        UsageError: The output belongs to another batch, or its name tells no form.
        OutputError: It cannot be written.
    """
    form = form or form_of(output)
    write, opening = _writer(predictor, request, form)
    settings = _settings(predictor, request, form)
    file = ResultFile(output, settings, len(request.queries), opening)
    if on_progress is not None:
        on_progress(file.progress)
    for answers in predict(predictor, request, file.progress.rows):
        file.append(write(answers), len(answers), sum(answer.status != "ok" for answer in answers))
        if on_progress is not None:
            on_progress(file.progress)
    return file.progress


def _writer(
    predictor: Predictor, request: PredictRequest, form: Format
) -> tuple[Callable[[Sequence[Prediction]], str], str]:
    """Return what writes answers, and the text that opens a file."""
    if form == "json":
        return json_lines, ""
    parts = predictor.resources.parts(request.explain)
    return (lambda answers: csv_rows(answers, parts)), csv_header(request.task, parts)


def form_of(output: Path) -> Format:
    """Tell the form of a file from its name; raises UsageError where it has no known ending."""
    form = _SUFFIXES.get(output.suffix.lower())
    if form is None:
        raise UsageError(
            f"cannot tell how to write {str(output)!r}.", "Name it .jsonl or .csv, or add --format json or csv."
        )
    return form


def save_images(folder: Path, answers: Sequence[Prediction], first: int = 0) -> None:
    """Write ``<number>.svg`` for every query that could be read and drawn; numbers count from 1 in input order.

    Words are not drawn, so a query in words has no picture where it has no answer.

    Raises:
        OutputError: The folder or a picture cannot be written.
    """
    for number, answer in enumerate(answers, start=first + 1):
        if answer.status == "invalid_input" or not panels(answer):
            continue
        path = folder / f"{number:04d}.svg"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(answer))
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror or error}.") from error


def _settings(predictor: Predictor, request: PredictRequest, form: str) -> dict[str, object]:
    resources = predictor.resources
    return {
        "task": TASKS.get(request.task).name,
        "model": predictor.identity,
        "weights": predictor.fingerprint,
        "top_k": request.top_k,
        "reaction_class": request.reaction_class,
        "format": form,
        "input": checksum(request.queries),
        "explain": sorted(resources.parts(request.explain)) or None,
        "index": resources.index and resources.index.fingerprint,
        "stock": resources.stock and resources.stock.sha256,
    }
