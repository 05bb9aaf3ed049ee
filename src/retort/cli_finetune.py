"""The command ``retort finetune``: a user's own reactions make a model folder of their own."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from retort.printing import ReportFormat, print_json, print_rows

_File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Parquet, JSONL, SMILES, RXN, RDF, ORD; or a folder.")]
_Task = Annotated[str, typer.Option(help="A task whose answers are molecules, or its alias.")]
_Model = Annotated[str, typer.Option("--model", "-m", metavar="NAME|DIR", help="Model to begin with.")]
_Split = Annotated[str, typer.Option(help="Rows are held out by: product, random, scaffold, time, published.")]


def finetune(
    file: _File,
    task: _Task,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to write.")] = Path("finetuned"),
    model: _Model = "retort-base",
    start: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Checkpoint to start from. Default: checkpoints/MODEL.")
    ] = None,
    column: Annotated[str, typer.Option(help="Column of the reaction SMILES in a table.")] = "reaction",
    split: _Split = "product",
    valid: Annotated[float, typer.Option(help="Share held out for choices and confidence.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share held out for the comparison.")] = 0.1,
    epochs: Annotated[float, typer.Option(help="Passes over the train rows.")] = 3.0,
    minutes: Annotated[float, typer.Option(help="Most minutes of training.")] = 5.0,
    learning_rate: Annotated[float | None, typer.Option(help="Peak. Default: 2e-4; of adapters 1e-3.")] = None,
    lora: Annotated[int, typer.Option(min=0, metavar="RANK", help="Train adapters; 0 trains all weights.")] = 0,
    replay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Prepared folder of earlier rows to mix in.")
    ] = None,
    replay_share: Annotated[float, typer.Option(help="Earlier rows, as a multiple of the train rows.")] = 0.5,
    also: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Other rows to compare on; repeatable.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Most rows answered for each comparison.")] = 200,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of training.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of everything.")] = 20,
    form: Annotated[ReportFormat, typer.Option("--format", "-f")] = ReportFormat.table,
) -> None:
    """Fine-tune a model on your own reactions, and compare it with the model before on held-out rows."""
    from retort.config import build
    from retort.recipes.finetune import FinetuneConfig
    from retort.recipes.finetune import finetune as run
    from retort.recipes.finetune_report import table

    told: dict[str, Any] = {"file": file, "task": task, "output": output, "model": model, "start_from": start}
    told |= {"column": column, "split": split, "hold_out": {"valid": valid, "test": test}, "also": also or []}
    told |= {"epochs": epochs, "minutes": minutes, "learning_rate": learning_rate, "lora_rank": lora}
    told |= {"replay": replay, "replay_share": replay_share, "rows": rows, "threads": threads, "seed": seed}
    with redirect_stdout(sys.stderr):  # what the steps say is no part of the result
        done = run(build(FinetuneConfig, told, "the command line"), lambda text: typer.echo(text, err=True))
    if form is ReportFormat.json:
        print_json(done.as_dict())
        return
    print_rows(table(done.changes))
    for line in (*done.notes, f"{done.folder} answers: retort predict {task} QUERY --model {done.folder}"):
        typer.echo(line)
