"""Write the pages that come from code and figures; ``--check`` only compares.

``reference/`` comes from the registries and field descriptions, ``reproduction/`` from configurations and the files of
figures that lie there.
"""

import argparse
import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import retort.evaluation.upstream
import retort.recipes
from retort.config import describe
from retort.data.source import SOURCES
from retort.evaluation.metric import METRICS
from retort.prompting.task import TASKS
from retort.prompting.template import LEAD_INS, TEMPLATES, own_library
from retort.recipes.benchmark_results import read_results
from retort.recipes.experiments import read_experiments
from retort.recipes.findings_page import choice_table, gradients_table, probes_table
from retort.recipes.reproduction_page import arms_table, labels_table, markdown_table, tables
from retort.recipes.stages_page import (
    chain_table,
    encoder_table,
    graphs_table,
    scaffold_scores_table,
    scaffolds_table,
    strategies_table,
)
from retort.serving.settings import ServeConfig

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
sys.path.insert(0, str(REPOSITORY / "benchmarks"))
STUDY = REPOSITORY / "configs" / "slm4crp"
STRATEGIES = REPOSITORY / "configs" / "presto" / "strategies"
EQUATIONS = FOLDER / "reproduction" / "slm4crp_equations.toml"
NOTICE = "<!-- Written by docs/generate.py; edit the code, then run `make docs`. -->"


def tasks_page() -> str:
    """Return the page of all tasks."""
    lines = ["# Tasks", "", "One file each in `retort/prompting/tasks/`. A task's aliases work on the command line."]
    for name in TASKS.names():
        task = TASKS.get(name)
        aliases = ", ".join(f"`{alias}`" for alias in task.aliases) or "none"
        lines += ["", f"## `{name}`", "", _sentence(task.summary), "", f"- Query: {task.query_kind}. {task.query_help}"]
        lines += [f"- Answer: {task.answer_kind}.", f"- Aliases: {aliases}."]
        lines += ["- A known reaction class may be given."] if task.uses_class else []
    return _page(lines)


def templates_page() -> str:
    """Return the page of all instruction templates of this package."""
    lines = [
        "# Instruction templates",
        "",
        "One file each in `retort/prompting/templates/`, named after its task. Where a reaction type is known, one of",
        "four lead-ins follows the instruction, and then the number or name of the type:",
        "",
        *(f"- {lead_in} ..." for lead_in in LEAD_INS),
    ]
    for name in TEMPLATES.names():
        lines += ["", f"## `{name}`", ""]
        lines += [f"{place}. {template.text}" for place, template in enumerate(own_library().of(name), 1)]
    return _page(lines)


def metrics_page() -> str:
    """Return the page of all metrics, each with its policies."""
    lines = [
        "# Metrics",
        "",
        "One file each in `retort/evaluation/metrics/`. A figure is called `name@k` and is the mean over every row.",
        "A row without an answer is worth 0 and is never dropped.",
    ]
    for name in METRICS.names():
        metric = METRICS.get(name)
        text = inspect.getdoc(importlib.import_module(f"{METRICS.package}.{name}")) or metric.summary
        cutoffs = ", ".join(f"`{name}@{k}`" for k in metric.cutoffs)
        lines += ["", f"## `{name}`", "", text.replace("``", "`"), "", f"Reported as {cutoffs}."]
    lines += [
        "",
        "# Figures of other answers",
        "",
        "Functions of lists of truths and answers. Those named `..._scores` return `retort.evaluation.scores.Scores`:",
        "figures, their bootstrap intervals, and how many answers could not be read.",
    ]
    for module, functions in FIGURES.items():
        text = inspect.getdoc(importlib.import_module(module)) or ""
        names = ", ".join(f"`{name}`" for name in functions)
        lines += ["", f"## {names}: `{module}`", "", _as_markdown(text)]
    upstream = inspect.getdoc(retort.evaluation.upstream) or ""
    lines += ["", "## For comparison alone: `retort.evaluation.upstream`", "", upstream.replace("``", "`")]
    return _page(lines)


FIGURES = {
    "retort.evaluation.classification": ("class_scores", "confusion"),
    "retort.evaluation.regression": ("regression_scores", "interval_scores"),
    "retort.evaluation.ranking": ("ranking_scores",),
    "retort.evaluation.captions": ("caption_scores",),
    "retort.evaluation.selectivity": ("selectivity_scores",),
    "retort.chem.isomers": ("relation",),
    "retort.evaluation.molecule_tables": ("molecule_scores",),
    "retort.prompting.extraction": (
        "read_smiles",
        "read_number",
        "read_percent",
        "read_choice",
        "read_text",
        "read_name",
    ),
}


def _as_markdown(text: str) -> str:
    """Return a docstring with its double marks and its references as single code marks."""
    return re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


def sources_page() -> str:
    """Return the page of all sources."""
    lines = [
        "# Sources",
        "",
        "One file each in `retort/data/sources/`. Published files are looked for below the folder that the environment",
        "variable `RETORT_DATA` names, and compared with the checksums that the source states. A source without files",
        "reads a path that the configuration gives. `retort list sources` says where each was found, or how to get it.",
    ]
    for name in SOURCES.names():
        source = SOURCES.get(name)
        rows = ", ".join(f"{split} {n:,}" for split, n in source.rows.items()) or "as given"
        lines += ["", f"## `{name}`", "", _sentence(source.title), "", f"- Origin: {source.origin}"]
        lines += [
            f"- Licence: {source.licence}",
            f"- Rows: {source.kind}, {rows}",
            f"- How to get it: {source.how_to_get}",
        ]
        lines += [f"- File: `{file}`" for file in source.files]
        lines += ["- Benchmark: its valid and test rows are kept out of all training."] if source.benchmark else []
        lines += ["- Published split: kept as it is; protects nothing elsewhere."] if source.published_split else []
        lines += [f"- Note: {source.note}"] if source.note else []
    return _page(lines)


def config_page() -> str:
    """Return the page of all configuration keys."""
    lines = [
        "# Configuration keys",
        "",
        "A configuration is a TOML file. Unknown keys are errors. `key=value` behind the file on the command line",
        "overrides it; dots descend into tables.",
    ]
    for schema in config_schemas():
        summary = (inspect.getdoc(schema) or "").partition("\n")[0]
        lines += ["", f"## `{schema.__module__}.{schema.__name__}`", "", summary, ""]
        lines += ["| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{key}` | {_cell(default)} | {_cell(words)} |" for key, default, words in describe(schema)]
    return _page(lines)


@dataclasses.dataclass(frozen=True)
class Equation:
    """One equation of a paper.

    Attributes:
        number: As printed.
        says: What it says, in our words.
        functions: Dotted names of what does it; empty where nothing does.
        tests: ``path::function`` of what tests it.
        otherwise: What is done otherwise here, and why.
        inferred: Whether the formula is lost and only the prose around it was read.
    """

    number: int
    says: str
    functions: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    otherwise: str = ""
    inferred: bool = False

    @property
    def missing(self) -> list[str]:
        """What it names and does not exist."""
        lost = [name for name in self.functions if not _imports(name)]
        return lost + [name for name in self.tests if not _is_test(name)]


def equations() -> list[Equation]:
    """Return the equations of SLM4CRP."""
    rows = tomllib.loads(EQUATIONS.read_text("utf-8"))["equation"]
    return [Equation(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}) for row in rows]


def equations_page() -> str:
    """Return the page of the equations of SLM4CRP."""
    lines = [
        "# The equations of SLM4CRP",
        "",
        "Equations (1) to (13) of Liu, Tao and Ren, arXiv 2404.09606: what each says in our words, what does it, what",
        "tests it, and what is deliberately done otherwise. Every name is checked: functions import, tests exist.",
        "An equation marked *inferred* was lost in the text that was read, and is told from the prose around it.",
        "",
        "| equation | what it says | done by | tested by | done otherwise |",
        "|---|---|---|---|---|",
    ]
    return _page([*lines, *(equation_row(equation) for equation in equations())])


def equation_row(equation: Equation) -> str:
    """Return the row of an equation; what nothing does is called so."""
    mark = f"({equation.number})" + (" *inferred*" if equation.inferred else "")
    functions = "<br>".join(f"`{name.removeprefix('retort.')}`" for name in equation.functions)
    tests = "<br>".join(f"`{name.removeprefix('tests/')}`" for name in equation.tests)
    cells = (mark, _cell(equation.says), functions or "**nothing yet**", tests or "**nothing yet**")
    return f"| {' | '.join(cells)} | {_cell(equation.otherwise)} |"


def _imports(name: str) -> bool:
    """Tell whether a dotted name leads to something of this package, through modules and then attributes."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def _is_test(name: str) -> bool:
    """Tell whether ``path::function`` is a test of the repository."""
    path, _, function = name.partition("::")
    if not function.startswith("test_") or not (REPOSITORY / path).is_file():
        return False
    body = ast.parse((REPOSITORY / path).read_text("utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in body)


def config_schemas() -> Iterator[type[Any]]:
    """Yield every dataclass of the recipes whose fields are described by ``option``, and the settings of a server."""
    for module in sorted(m.name for m in pkgutil.iter_modules(retort.recipes.__path__)):
        members = vars(importlib.import_module(f"retort.recipes.{module}")).values()
        yield from (m for m in members if _is_schema(m) and m.__module__ == f"retort.recipes.{module}")
    yield ServeConfig


def _is_schema(member: Any) -> bool:
    described = inspect.isclass(member) and dataclasses.is_dataclass(member)
    return described and any("help" in field.metadata for field in dataclasses.fields(member))


def performance_page() -> str:
    """Return the page of speed."""
    from page import page  # beside the bench, whose figures it tells

    return _page(list(page(FOLDER / "explanation" / "performance.json")))


def slm4crp_page() -> str:
    """Return the page of the study of elicited types: published, ours, verdict."""
    text = tomllib.loads((FOLDER / "reproduction" / "slm4crp.toml").read_text("utf-8"))
    lines = ["# Self-feedback knowledge elicitation (SLM4CRP): a pattern comparison", "", *text["about"].splitlines()]
    budgets = {
        "On a GPU": read_experiments(STUDY),
        "On a CPU": read_experiments(STUDY, [f"budget={STUDY / 'cpu.toml'}"]),
    }
    found = {name: read_results(FOLDER.parent / runs[0].results) for name, runs in budgets.items()}
    for name in [name for name, entries in found.items() if entries] or list(found)[:1]:
        lines += ["", f"## {name}", "", *tables(budgets[name], found[name])]
    return _page([*lines, *_sections(text)])


def presto_page() -> str:
    """Return the page of stages: strategies, what they train, what was measured."""
    text = tomllib.loads((FOLDER / "reproduction" / "presto.toml").read_text("utf-8"))
    lines = ["# Progressive multimodal pretraining (PRESTO): a pattern comparison", "", *text["about"].splitlines()]
    return _page([*lines, *_sections(text)])


def _sections(text: Mapping[str, Any]) -> list[str]:
    """Return the sections of a page: each a title, words, and a table of a file, of a folder, or of the text itself."""
    lines = []
    for section in text["section"]:
        lines += ["", f"## {section['title']}", "", *section["about"].splitlines(), ""]
        if "file" in section:
            lines += _found(FOLDER / "reproduction" / section["file"], TABLES[section["table"]])
        elif section["table"] == "strategies":
            lines += strategies_table(STRATEGIES)
        else:
            lines += markdown_table(text[section["table"]]["head"], text[section["table"]]["rows"])
    return lines


def _found(path: Path, table: Callable[[Any], list[str]]) -> list[str]:
    """Return a table of a file of figures and its commit; that nothing was run where there is no file."""
    if not path.is_file():
        return ["*not run* yet"]
    content = json.loads(path.read_text("utf-8"))
    return [*table(content), *(["", f"Commit `{content['commit']}`."] if "commit" in content else [])]


def _arms(content: Mapping[str, Any]) -> list[str]:
    return arms_table({name: entry for name, entry in content["arms"].items() if entry["status"] == "scored"})


TABLES: dict[str, Callable[[Any], list[str]]] = {
    "arms": _arms,
    "choice": choice_table,
    "probes": probes_table,
    "gradients": gradients_table,
    "labels": labels_table,
    "chain": chain_table,
    "graphs": graphs_table,
    "encoder": encoder_table,
    "scaffolds": scaffolds_table,
    "scaffold_scores": scaffold_scores_table,
}


def _page(lines: Sequence[str]) -> str:
    return "\n".join([NOTICE, "", *lines]) + "\n"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].removesuffix(".") + "."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or " "


PAGES: dict[str, Callable[[], str]] = {
    "reference/tasks.md": tasks_page,
    "reference/templates.md": templates_page,
    "reference/metrics.md": metrics_page,
    "reference/sources.md": sources_page,
    "reference/config.md": config_page,
    "explanation/performance.md": performance_page,
    "reproduction/slm4crp.md": slm4crp_page,
    "reproduction/presto.md": presto_page,
    "reproduction/slm4crp_equations.md": equations_page,
}


def stale(folder: Path) -> list[str]:
    """Return the names of pages that are missing or differ from what the code says."""
    written = {name: (folder / name).read_text("utf-8") for name in PAGES if (folder / name).is_file()}
    return [name for name, render in PAGES.items() if written.get(name) != render()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is out of date")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    options = parser.parse_args(arguments)
    if options.check:
        outdated = stale(options.folder)
        for name in outdated:
            print(f"{options.folder / name} is out of date: run `make docs`", file=sys.stderr)
        return 1 if outdated else 0
    for name, render in PAGES.items():
        (options.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (options.folder / name).write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
