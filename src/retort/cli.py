"""The command ``retort``: read the command line, call one recipe, print.

Nothing heavy is imported before a command needs it. Exit codes: 0 when every query was answered, 1 when some were
not or the work could not be done, 2 when the command was used wrongly, 130 after Ctrl-C. Every error is one line.
"""

import errno
import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from retort.cli_benchmark import benchmark
from retort.cli_finetune import finetune
from retort.cli_index import index_commands
from retort.cli_plan import plan
from retort.cli_serve import mcp, serve
from retort.errors import RetortError, UsageError
from retort.printing import ReportFormat, advance, console, print_json, print_rows, progress

if TYPE_CHECKING:
    from retort.inference.predictor import Predictor
    from retort.recipes.predict import PredictRequest

INTERRUPTED = 130
SHOWN = 10  # refused rows that are told one by one


class Format(StrEnum):
    """How answers are printed."""

    table = "table"
    json = "json"
    csv = "csv"


_WRITTEN: dict[Format, Literal["json", "csv"]] = {Format.json: "json", Format.csv: "csv"}


class Target(StrEnum):
    """What a checkpoint is exported to."""

    ctranslate2 = "ctranslate2"
    hf = "hf"


class Commands(TyperGroup):
    """The group of all commands; turns every expected failure into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except RetortError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            _fail("interrupted.", INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output went away, as `head` does; nothing is left to say to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _fail("the disk is full: the output could not be written.", 1)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts twice as fast
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Language models for chemical reactions: products, reactants and reagents, with reasons.",
)

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task or its alias; see `retort list tasks`.")]
ModelName = Annotated[str, typer.Option("--model", "-m", metavar="NAME|DIR", help="Embedded model or model folder.")]
TopK = Annotated[int, typer.Option("--top-k", "-k", min=1, help="Candidates per query.")]
Column = Annotated[str, typer.Option("--column", help="Column of the queries in the input file.")]
Class = Annotated[int | None, typer.Option("--reaction-class", min=1, max=10, help="Known class of the reaction.")]
Augment = Annotated[int | None, typer.Option("--augmentations", min=1, help="Spellings per query (language models).")]
ProposerName = Annotated[str | None, typer.Option("--proposer", metavar="NAME", help="Ask this proposer alone.")]
IndexDir = Annotated[
    Path | None, typer.Option("--index", metavar="DIR", help="Known reactions: show the nearest ones.")
]
StockFile = Annotated[
    Path | None, typer.Option("--stock", metavar="FILE", help="SMILES or InChIKeys: show what is in stock.")
]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values that replace the file's.")
]


@app.callback(invoke_without_command=True)
def retort(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    """Language models for chemical reactions: products, reactants and reagents, with reasons."""
    if version:
        from retort import __version__

        typer.echo(f"retort {__version__}")
        raise typer.Exit


@app.command()
def predict(
    task: TaskName,
    queries: Annotated[list[str] | None, typer.Argument(metavar="[QUERY]...", help="SMILES; - reads lines.")] = None,
    input_file: Annotated[
        str | None, typer.Option("--input", "-i", metavar="FILE", help="Queries; - reads lines.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write .jsonl or .csv; can be resumed.")] = None,
    column: Column = "input",
    top_k: TopK = 10,
    model: ModelName = "retort-base",
    form: Annotated[Format | None, typer.Option("--format", "-f", help="Default: table.")] = None,
    reaction_class: Class = None,
    augmentations: Augment = None,
    proposer: ProposerName = None,
    save_images: Annotated[Path | None, typer.Option(metavar="DIR", help="Save one picture per query.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add type, round trip, precedents, stock, warnings.")
    ] = False,
    index: IndexDir = None,
    stock: StockFile = None,
) -> None:
    """Answer queries: SMILES for molecules, reactants>>products for reactions."""
    from retort.inference.predictor import Predictor
    from retort.prompting.task import TASKS
    from retort.recipes.predict import PredictRequest

    given = _queries(queries or [], input_file, column)
    asked = PredictRequest(TASKS.get(task).name, given, top_k, reaction_class, save_images, explain or None)
    predictor = Predictor.load(model, proposer=proposer, augmentations=augmentations, index=index, stock=stock)
    _tell_of_stock(predictor)
    answered = _print(predictor, asked, form) if output is None else _write(predictor, asked, output, form)
    raise typer.Exit(0 if answered else 1)


@app.command()
def evaluate(
    task: TaskName,
    input_file: Annotated[Path, typer.Option("--input", "-i", help="Table with the columns input and target.")],
    column: Column = "input",
    top_k: TopK = 10,
    model: ModelName = "retort-base",
    predictions: Annotated[Path | None, typer.Option(help="Keep the predictions here; can be resumed.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
    reaction_class: Class = None,
    augmentations: Augment = None,
    proposer: ProposerName = None,
) -> None:
    """Predict rows whose answers are known, and score the predictions."""
    from retort.inference.predictor import Predictor
    from retort.recipes.evaluate import EvaluateRequest
    from retort.recipes.evaluate import evaluate as run

    predictor = Predictor.load(model, proposer=proposer, augmentations=augmentations)
    request = EvaluateRequest(task, input_file, column, top_k, reaction_class, predictions)
    with progress("rows") as bar:
        evaluation = run(predictor, request, lambda done, of: advance(bar, done, of))
    if form is ReportFormat.json:
        print_json(evaluation.report.as_dict())
        return
    print_rows(
        [
            {
                "metric": name,
                "value": f"{value:.4f}",
                "95 % interval": "{:.4f} - {:.4f}".format(*report.intervals[name]),
            }
            for report in [evaluation.report]
            for name, value in report.metrics.items()
        ]
    )
    counts = ", ".join(f"{status} {n}" for status, n in evaluation.report.status_counts.items())
    dropped = ", ".join(f"{reason} {n}" for reason, n in evaluation.unreadable.items())
    typer.echo(f"{evaluation.report.task}, {evaluation.report.model}: {evaluation.report.n} rows ({counts})")
    for line in (*evaluation.report.notes, *([f"Dropped answers: {dropped}."] if dropped else [])):
        typer.echo(line)


@app.command()
def prepare(config: ConfigFile, overrides: Overrides = None) -> None:
    """Prepare data for training: read, clean, split, apply the leak rule, write token arrays."""
    from retort.config import load
    from retort.recipes.prepare import PrepareConfig
    from retort.recipes.prepare import prepare as run

    typer.echo(str(run(load(PrepareConfig, config, overrides or []))))


@app.command()
def train(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train a model; the key `recipe` of the configuration may name another recipe, e.g. train_ranker."""
    from retort.recipes.training import train_from

    typer.echo(str(train_from(config, overrides or [])))


@app.command()
def elicit(config: ConfigFile, overrides: Overrides = None) -> None:
    """Elicit reaction types from train rows: try encodings and numbers of types, choose, freeze, show."""
    from retort.config import load
    from retort.recipes.elicit import elicit as run
    from retort.recipes.elicitation_config import ElicitConfig
    from retort.recipes.elicitation_page import page_beside

    settings = load(ElicitConfig, config, overrides or [])
    table = run(settings, lambda text: typer.echo(text, err=True))
    typer.echo(str(table))
    page_beside(table.parent, lambda text: typer.echo(text, err=True))


app.command()(benchmark)
app.add_typer(index_commands, name="index")
app.command()(plan)
app.command()(finetune)


@app.command()
def annotate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table of queries.")],
    types: Annotated[Path, typer.Option(metavar="DIR", help="Frozen types that `retort elicit` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write: .csv, .parquet or .jsonl.")],
    column: Column = "input",
    encoder: Annotated[Path | None, typer.Option(metavar="DIR", help="Model folder that reads the types.")] = None,
) -> None:
    """Add the reaction type of every row, read from its input alone, and its probability."""
    from retort.recipes.annotate import AnnotateRequest
    from retort.recipes.annotate import annotate as run

    with progress("rows") as bar:
        done = run(AnnotateRequest(file, types, output, column, encoder), lambda n, of: advance(bar, n, of))
    for refused in done.refused[:SHOWN]:
        typer.echo(f"row {refused.row}: {' '.join(refused.reason.split())}", err=True)
    if len(done.refused) > SHOWN:
        typer.echo(f"... and {len(done.refused) - SHOWN} more", err=True)
    typer.echo(f"{output} is complete: {done.rows} rows of {done.task}, {done.without} without a type.", err=True)
    raise typer.Exit(1 if done.without else 0)


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="DIR", help="A checkpoint folder.")],
    to: Annotated[Target, typer.Option(help="What to write.")] = Target.ctranslate2,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: beside the checkpoint.")] = None,
) -> None:
    """Turn a checkpoint into a model folder that `retort predict --model` answers with."""
    from retort.recipes.export import export as run

    for line in run(checkpoint, to.value, output).lines():
        typer.echo(line)


@app.command()
def audit(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|SOURCE[:SPLIT]|FOLDER[:PART]...", help="What to compare.")
    ],
    task: Annotated[list[str] | None, typer.Option(help="Task of the tables; once, or once per input.")] = None,
    fail_on: Annotated[str, typer.Option(metavar="CATEGORY,...", help="Exit with 1 where one is found; or all.")] = "",
    examples: Annotated[int, typer.Option(min=0, help="Ids per finding.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """Find leakage: rows, products, molecules of one thing that also occur in another."""
    from retort.recipes.audit import AuditRequest
    from retort.recipes.audit import audit as run

    categories = tuple(filter(None, (name.strip() for name in fail_on.split(","))))
    with progress("rows") as bar:
        done = run(
            AuditRequest(tuple(files), tuple(task or ()), categories, examples, workers),
            lambda text: bar.update(bar.task_ids[0], description=text),
        )
    if form is ReportFormat.json:
        print_json(done.as_dict())
    else:
        print_rows(done.rows())
        for line in done.notes():
            typer.echo(line)
    raise typer.Exit(1 if done.failures else 0)


app.command()(serve)
app.command()(mcp)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="tasks|sources|metrics|suites|backbones|models|configs")],
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """List what there is."""
    from retort.recipes.listing import listing

    rows = listing(what)
    if form is ReportFormat.json:
        print_json(rows)
    elif rows:
        print_rows(rows)
    else:
        typer.echo(f"There are no {what} here.")


def main() -> None:
    """Run the command line; what a terminal cannot show is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


def _queries(given: list[str], input_file: str | None, column: str) -> list[str]:
    from retort.inference.queries import STDIN, read_queries

    if bool(given) == (input_file is not None):
        raise UsageError(
            "give either queries or --input FILE.", "For example: retort predict retro 'CC(=O)NCc1ccccc1'."
        )
    if given == [STDIN]:
        return read_queries(STDIN)
    return given if input_file is None else read_queries(input_file, column)


def _print(predictor: "Predictor", asked: "PredictRequest", form: Format | None) -> bool:
    """Print answers as they come; tell whether every query was answered."""
    from retort.inference.formats import csv_header, csv_rows, json_lines, table
    from retort.recipes.predict import predict as run

    every = True
    parts = predictor.resources.parts(asked.explain)
    if form is Format.csv:
        sys.stdout.write(csv_header(asked.task, parts))
    for answers in run(predictor, asked):
        every = every and all(answer.status == "ok" for answer in answers)
        if form is Format.json or form is Format.csv:
            sys.stdout.write(json_lines(answers) if form is Format.json else csv_rows(answers, parts))
        else:
            for answer in answers:
                console().print(table(answer))
        sys.stdout.flush()
    return every


def _tell_of_stock(predictor: "Predictor") -> None:
    """Say what part of a stock could not be read; it is never silently out of stock."""
    stock = predictor.resources.stock
    if stock is not None and stock.unreadable:
        typer.echo(f"stock: {len(stock)} entries, {stock.unreadable} that cannot be read.", err=True)


def _write(predictor: "Predictor", asked: "PredictRequest", output: Path, form: Format | None) -> bool:
    """Write answers to a file; tell whether every query was answered."""
    from retort.recipes.predict import form_of, predict_to_file

    if form not in (None, *_WRITTEN):
        raise UsageError("a table is printed, not written.", "Choose --format json or csv with --output.")
    with progress("queries") as bar:
        known = form_of(output) if form is None else _WRITTEN[form]
        try:
            state = predict_to_file(
                predictor, asked, output, known, lambda progress: advance(bar, progress.rows, progress.of)
            )
        except KeyboardInterrupt:
            done = int(bar.tasks[0].completed)
            _fail(f"interrupted: {done} rows are in {output}; run the command again to go on.", INTERRUPTED)
    typer.echo(f"{output} is complete: {state.rows} queries, {state.unanswered} without an answer.", err=True)
    return state.unanswered == 0


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(code)
