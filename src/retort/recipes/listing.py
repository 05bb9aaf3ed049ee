"""What there is: tasks, sources, metrics, suites, backbones, models and configurations."""

from collections.abc import Callable
from pathlib import Path

from retort.errors import InputFileError, ModelError, UnknownNameError
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder, embedded_models

Rows = list[dict[str, str]]
CONFIGS = Path("configs")


def listing(what: str) -> Rows:
    """Return one row per entry, each with the same keys.

    Raises:
        UnknownNameError: There is no such list.
    """
    if what not in LISTS:
        raise UnknownNameError("list", what, LISTS)
    return LISTS[what]()


def list_tasks() -> Rows:
    """List the tasks, and what the default model makes of each: trained only where its folder says so.

    Data are the sources of the suites that ask a task, and metrics those that they show.
    """
    from retort.evaluation.suite import suite_named
    from retort.prompting.task import TASKS

    try:
        known = ModelFolder.open(DEFAULT_MODEL).card.tasks
    except ModelError:
        known = {}
    rows: Rows = []
    for name in TASKS.names():
        task, entry = TASKS.get(name), known.get(name)
        trained = "trained" if entry and entry.trained else "not trained"
        proposers = ", ".join(entry.proposers) if entry else ""
        parts = [part for part in suite_named("all").parts if part.task == name]
        rows.append(
            {
                "task": name,
                "aliases": ", ".join(task.aliases),
                "what": task.summary,
                "answer": task.answer_kind,
                DEFAULT_MODEL: trained,
                "proposers": proposers,
                "data": ", ".join(dict.fromkeys(name for part in parts for name in part.sources)),
                "metrics": ", ".join(dict.fromkeys(m for part in parts for m in part.shown)),
                "example": task.example,
            }
        )
    return rows


def list_sources() -> Rows:
    """List the data sets that ``retort prepare`` reads, each with the folder it was found in or how to get it."""
    from retort.data.source import SOURCES

    sources = [SOURCES.get(name) for name in SOURCES.names()]
    return [
        {
            "source": s.name,
            "kind": s.kind,
            "what": s.title,
            "rows": f"{sum(s.rows.values()) or ''}",
            "licence": s.licence,
            "where": str(s.folder() or s.how_to_get),
        }
        for s in sources
    ]


def list_metrics() -> Rows:
    """List the metrics that ``retort evaluate`` reports."""
    from retort.evaluation.metric import METRICS

    return [{"metric": name, "what": METRICS.get(name).summary} for name in METRICS.names()]


def list_suites() -> Rows:
    """List the suites that ``retort benchmark`` runs."""
    from retort.evaluation.suite import suite_named, suite_names

    suites = [suite_named(name) for name in suite_names()]
    return [{"suite": s.name, "what": s.summary, "parts": ", ".join(p.name for p in s.parts)} for s in suites]


def list_backbones() -> Rows:
    """List the families of networks that can be trained."""
    from retort.models.backbone import BACKBONES

    return [{"backbone": name, "what": _first_line(BACKBONES.get(name).__doc__ or "")} for name in BACKBONES.names()]


def list_models() -> Rows:
    """List the models inside the package."""
    rows: Rows = []
    for name in embedded_models():
        card = ModelFolder.open(name).card
        trained = ", ".join(task for task, entry in card.tasks.items() if entry.trained)
        rows.append({"model": name, "release": card.release, "trained for": trained})
    return rows


def list_configs() -> Rows:
    """List the configurations in the folder ``configs`` of the working directory."""
    return [{"config": str(path), "what": _first_comment(path)} for path in sorted(CONFIGS.glob("**/*.toml"))]


def _first_comment(path: Path) -> str:
    try:
        first = _first_line(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(f"cannot read configuration {str(path)!r}: {error}.") from error
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


LISTS: dict[str, Callable[[], Rows]] = {
    "tasks": list_tasks,
    "sources": list_sources,
    "metrics": list_metrics,
    "suites": list_suites,
    "backbones": list_backbones,
    "models": list_models,
    "configs": list_configs,
}
