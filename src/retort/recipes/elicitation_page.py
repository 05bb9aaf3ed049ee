"""One HTML page that shows an elicitation: what cells are worth, maps, what types mean, and what they do to answers.

``python -m retort.recipes.elicitation_page CONFIG.toml [KEY=VALUE]...`` writes a page that needs nothing from
elsewhere. The names it finds can be written into the frozen types. Traces need an arm that was trained with these types
(:mod:`retort.recipes.study`); answers with and without types need two files of predictions of the same rows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from retort import __version__
from retort.config import load, option
from retort.elicitation.vectors import encoding_named
from retort.errors import MissingExtraError, RetortError
from retort.recipes import page_context
from retort.recipes.elicitation_plots import cells_picture, maps_picture
from retort.recipes.entry import run_with_config
from retort.recipes.interpretation import Meaning, Run, keep_names, meaning
from retort.recipes.page_cases import Cases, cases
from retort.recipes.page_traces import Traced, traces


@dataclass(frozen=True)
class PageConfig:
    """A page to write."""

    run: Path = option(help="output folder of `retort elicit`")
    output: Path = option(help="HTML file to write")
    tasks: tuple[str, ...] = option((), help="tasks to show; empty: all of the run")
    sample: int = option(4000, help="rows of each task whose templates and functional groups are looked at")
    exemplars: int = option(4, help="typical reactions drawn of each type")
    points: int = option(4000, help="rows drawn on a map")
    names: bool = option(True, help="write the names that are found into the frozen types")
    without_types: Path | None = option(None, help="predictions of a model that is told no types")
    with_types: Path | None = option(None, help="predictions of the same rows by one that is told them")
    shown_cases: int = option(3, help="answers drawn of each kind")
    arm: Path | None = option(None, help="folder seed-<n>/ of an arm trained with these types, for traces")
    traced: int = option(3, help="answers traced")
    seed: int = option(0, help="seed of everything that is drawn by chance")


def elicitation_page(config: PageConfig) -> Path:
    """Write the page; return it.

    Raises:
        ModelError: The run is unfinished or damaged.
        DataError: Its prepared folder is another one, or the predictions do not match.
        MissingExtraError: torch or matplotlib is not installed.
    """
    run = Run.open(config.run)
    told = _told(config)
    shown = []
    for task in config.tasks or tuple(run.tasks):
        found = meaning(run, task, sample=config.sample, shown=config.exemplars, seed=config.seed)
        if config.names:
            keep_names(run, task, found)
        shown.append(_task(config, run, task, found))
    page = _rendered(
        name=str(config.run),
        way=page_context.way(run.config),
        rounds=page_context.rounds(run.config),
        tasks=shown,
        cases=page_context.answers(told),
        traces=page_context.swaps(_traced(config)),
    )
    config.output.parent.mkdir(parents=True, exist_ok=True)
    config.output.write_text(page, "utf-8")
    return config.output


def page_beside(run: Path, say: Callable[[str], None]) -> None:
    """Write ``page.html`` beside the table of an elicitation, or say why there is none: types can be had without."""
    try:
        say(f"a page that shows it: {elicitation_page(PageConfig(run, run / 'page.html'))}")
    except RetortError as error:
        say(f"no page: {error}")


def _rendered(**context: object) -> str:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("writing the page of an elicitation", "train") from error
    pages = files("retort.recipes") / "pages"
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string((pages / "elicitation.html").read_text("utf-8"))
    return template.render(style=(pages / "style.css").read_text("utf-8"), version=__version__, **context)


def _task(config: PageConfig, run: Run, task: str, found: Meaning) -> page_context.Context:
    card = found.types.card
    vectors = run.vectors(task, found.types).behind(found.types.projection, encoding_named(card.encoding)).values
    colourings = {}
    for types in run.config.types:
        cell = run.cell(task, card.encoding, types)
        if cell is not None:
            colourings[f"{types} types"] = cell.train.labels
    colourings["curated classes (grey: none)"] = found.classes - 1
    picture, variance, drawn = maps_picture(vectors, colourings, most=config.points, seed=config.seed)
    return {
        **page_context.cells(task, run.tasks[task], cells_picture(run.tasks[task]["cells"])),
        **page_context.types(found),
        "encoding": page_context.words(card.encoding),
        "maps_picture": picture,
        "variance": variance,
        "drawn": drawn,
    }


def _told(config: PageConfig) -> Cases | None:
    if config.without_types is None or config.with_types is None:
        return None
    return cases(config.without_types, config.with_types, config.shown_cases, config.seed)


def _traced(config: PageConfig) -> "Sequence[Traced] | str":
    """Return traces, or why there are none."""
    if config.arm is None:
        return "No model that was trained with these types was named, so there is nothing to trace."
    facts = json.loads((config.arm.parent / "arm.json").read_text("utf-8"))
    if facts["knowledge"] in ("off", "shuffled", "curated"):
        return f"The arm was told {facts['knowledge']!r}: its type tokens mean nothing, so there is nothing to trace."
    return traces(config.arm, config.traced, config.seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: elicitation_page(load(PageConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
