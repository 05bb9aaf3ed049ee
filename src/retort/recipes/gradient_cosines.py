"""Which tasks pull the shared weights the same way: cosines between the gradients of tasks at one checkpoint.

``python -m retort.recipes.gradient_cosines CONFIG.toml [KEY=VALUE]...`` writes a table. With ``sources`` every task is
asked of the same reactions, so that tasks are compared and not their data.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retort.config import as_dict, load, option
from retort.data.collate import PreparedFolder, Rows
from retort.errors import MissingExtraError, ModelError, UnknownNameError
from retort.models import checkpoint
from retort.recipes.benchmark_results import commit
from retort.recipes.entry import run_with_config


@dataclass(frozen=True)
class GradientConfig:
    """Gradients to compare."""

    prepared: Path = option(help="prepared folder whose train rows are used")
    checkpoint: Path = option(help="model folder whose gradients are taken")
    table: Path = option(help="JSON file that receives the cosines")
    sources: tuple[str, ...] = option((), help="sources of the rows; empty: all")
    batches: int = option(12, help="batches of each task")
    rows: int = option(64, help="rows of a batch")
    longest: int = option(300, help="rows with more tokens, input and output together, are left out")
    seed: int = option(0, help="seed of the rows")


def compare_gradients(config: GradientConfig) -> Path:
    """Measure and write the table; return it.

    Raises:
        DataError: The folder is damaged, or a task has too few rows.
        ModelError: The checkpoint is damaged or reads another vocabulary.
        UnknownNameError: The folder has no such source.
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("comparing gradients", "train") from error
    from retort.models.seq2seq import Seq2SeqModel
    from retort.training.gradients import batch_gradients, cosines, drawn_batches

    torch.set_num_threads(1)
    folder = PreparedFolder.open(config.prepared)
    split, stored = folder.split("train"), checkpoint.load(config.checkpoint)
    if stored.vocabulary.sha256 != folder.manifest["vocabulary_sha256"]:
        raise ModelError(f"{str(config.checkpoint)!r} reads another vocabulary than {str(config.prepared)!r}.")
    for name in config.sources:
        if name not in split.source_names:
            raise UnknownNameError("source", name, split.source_names)
    batches: list[Rows] = []
    tasks: dict[str, range] = {}
    for task in split.task_names:
        how = {"batches": config.batches, "rows": config.rows, "longest": config.longest, "seed": config.seed}
        drawn = drawn_batches(split, task, sources=config.sources, **how)
        tasks[task] = range(len(batches), len(batches) + len(drawn))
        batches += drawn
    grams = batch_gradients(Seq2SeqModel(stored.network), split, batches)
    compared = cosines(grams, tasks).items()
    found = {part: {pair: value.as_dict() for pair, value in pairs.items()} for part, pairs in compared}
    content = {
        "config": as_dict(config),
        "checkpoint_sha256": checkpoint.weights_sha256(config.checkpoint),
        "rows_per_task": config.batches * config.rows,
        "cosines": found,
        "commit": commit(),
    }
    config.table.parent.mkdir(parents=True, exist_ok=True)
    config.table.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    return config.table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: compare_gradients(load(GradientConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
