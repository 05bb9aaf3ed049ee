"""Make a model folder that answers without learning: popularity, nearest reaction, molecule, text or template.

``retort train configs/baselines/popularity.toml``, then ``retort evaluate TASK --input ... --model runs/baselines/
popularity``. The folder holds answers of training rows, so it is made where the data are and is never shipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort import __version__
from retort.config import load, option
from retort.data.examples import answer_of, fits, given_of
from retort.data.prepare import read_manifest, read_molecules, read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.errors import ConfigError
from retort.inference.model_folder import CARD, seal
from retort.inference.proposers.template_ranker import DIRECTIONS
from retort.inference.training_answers import Kind, TrainingAnswers
from retort.models.checkpoint import replacing
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.template_vocabulary import extract_templates, reasons

Say = Callable[[str], None]
WORDS: dict[Kind, str] = {
    "popularity": "the most frequent answers of the training rows",
    "nearest_reaction": "the answers of the most similar training rows",
    "nearest_molecule": "the answers of the training rows whose molecules are most similar, by Tanimoto of Morgan bits",
    "nearest_text": "the answers of the training rows whose words are most similar, by groups of three characters",
    "nearest_template": "the templates of the most similar training rows, applied to the query",
}


@dataclass(frozen=True)
class BaselineRows:
    """The train rows that a baseline answers one task from."""

    sources: tuple[str, ...] = option((), help="sources whose rows are used; empty: all")


@dataclass(frozen=True)
class TrainBaselineConfig:
    """A baseline to make from a prepared folder."""

    kind: Kind = option(help="popularity, nearest_reaction, nearest_molecule, nearest_text or nearest_template")
    prepared: Path = option(help="prepared folder whose records.parquet and molecules.parquet are read")
    output: Path = option(help="model folder to write; an existing one is replaced")
    tasks: Mapping[str, BaselineRows] = option(help="task -> rows it is answered from")
    templates: Path = option(Path("runs/rankers"), help="folder with the cache of templates, shared with the rankers")
    workers: int = option(1, help="processes that extract templates")


def train_baseline(config: TrainBaselineConfig, say: Say = print) -> Path:
    """Gather the train rows of every task and write the model folder; return it.

    Raises:
        ConfigError: The output exists and is no model folder, or the baseline cannot answer a task.
        DataError: The prepared folder is damaged, or has no train rows for a task.
    """
    if config.output.exists() and not (config.output / CARD).is_file():
        raise ConfigError(f"{str(config.output)!r} exists and is not a model folder.", "Choose another output.")
    chosen = {TASKS.get(name): rows.sources for name, rows in config.tasks.items()}
    for task in chosen:
        if config.kind == "nearest_template" and task.name not in DIRECTIONS:
            raise ConfigError(f"nearest_template cannot answer {task.name!r}.", f"It answers {', '.join(DIRECTIONS)}.")
    known = [*read_records(config.prepared / "records.parquet"), *read_molecules(config.prepared)]
    train = [record for record in known if record.split == TRAIN]
    with replacing(config.output) as folder:
        for task, sources in chosen.items():
            records = [r for r in train if fits(task, r) and (not sources or r.source in sources)]
            answers = TrainingAnswers.gather(config.kind, task.name, _pairs(config, task, records, say))
            answers.save(folder / _file(task))
            say(f"{task.name}: {answers.rows:,} train rows, {len(answers.texts):,} distinct texts kept")
        seal(folder, _card(config, [*chosen]))
    return config.output


def _pairs(config: TrainBaselineConfig, task: Task, records: Sequence[Record], say: Say) -> list[tuple[str, str]]:
    """Return the questions of the records with their answers, or with their templates where they have one."""
    if config.kind != "nearest_template":
        return [(given_of(task, record), answer_of(task, record)) for record in records]
    mapped = [(task.given(record.reaction), record.mapped) for record in records if record.mapped]
    found = extract_templates((text for _, text in mapped), config.templates, config.workers, say)
    used = [(given, found[text]) for given, text in mapped]
    say(f"{task.name}: no template, {reasons(template for _, template in used)}")
    return [(given, template) for given, template in used if isinstance(template, str)]


def _card(config: TrainBaselineConfig, tasks: Sequence[Task]) -> dict[str, Any]:
    note = f"This is a baseline that learned nothing: {WORDS[config.kind]}."
    return {
        "name": config.output.name,
        "release": __version__,
        "proposers": {f"{task.name}_{config.kind}": {"kind": config.kind, "file": _file(task)} for task in tasks},
        "tasks": {
            task.name: {
                "trained": True,
                "proposers": [f"{task.name}_{config.kind}"],
                "notes": [note],
            }
            for task in tasks
        },
        "provenance": {
            "prepared_sha256": read_manifest(config.prepared)["files"]["records.parquet"],
            "sources": {TASKS.get(name).name: list(rows.sources) for name, rows in config.tasks.items()},
        },
    }


def _file(task: Task) -> str:
    return f"baselines/{task.name}.npz"


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return train_baseline(load(TrainBaselineConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
