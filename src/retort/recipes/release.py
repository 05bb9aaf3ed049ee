"""Assemble a model folder: language model, rankers, keys of the training rows, figures and card.

``python -m retort.recipes.release CONFIG.toml [key=value ...]`` writes a folder that ``--model`` can name. Figures
are reports that ``retort evaluate --format json`` printed; nothing in the card is typed by hand.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retort.config import load, option
from retort.data.examples import fits
from retort.data.prepare import read_manifest, read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.errors import ConfigError, DataError, RetortError
from retort.inference.model_folder import seal
from retort.inference.questions import membership_key, write_seen
from retort.prompting.task import TASKS


@dataclass(frozen=True)
class ProposerChoice:
    """One proposer of the model."""

    kind: str = option(help="language_model, template_ranker or answer_ranker")
    path: Path = option(help="exported model folder of a language model, or .npz file of a ranker")
    engine: str = option("ctranslate2", help="what runs a language model: ctranslate2, transformers or toy")
    augmentations: int = option(1, help="spellings per question of a language model")
    beam_size: int = option(10, help="beams per spelling of a language model")
    uses_class: bool = option(False, help="it can use a known reaction class")


@dataclass(frozen=True)
class TaskChoice:
    """How the model answers one task."""

    trained: bool = option(help="it beats popularity and nearest neighbours on held-out rows")
    proposers: tuple[str, ...] = option((), help="who answers by default, chosen on valid part A")
    on_request: tuple[str, ...] = option((), help="who answers only when asked for by name")
    weights: Mapping[str, float] = option(help="weights of the proposers' votes when merged", factory=dict)
    rank_offset: float = option(1.0, help="offset of reciprocal-rank fusion")
    sources: tuple[str, ...] = option((), help="sources whose train rows were seen; all that fit when empty")
    notes: tuple[str, ...] = option((), help="sentences that every answer carries")
    stereo_note: str = option("", help="sentence for queries that state stereochemistry")
    reason: str = option("", help="why the task is not trained")


@dataclass(frozen=True)
class Figure:
    """A measured figure for the card."""

    label: str = option(help="what was measured, on which rows")
    report: Path = option(help="JSON report of `retort evaluate --format json`")


@dataclass(frozen=True)
class ReleaseConfig:
    """Everything that goes into a model folder."""

    output: Path = option(help="folder to write; an existing one is replaced")
    name: str = option(help="name of the model")
    release: str = option(help="version of the model")
    prepared: Path = option(help="prepared folder that everything was trained on")
    proposers: Mapping[str, ProposerChoice] = option(help="name -> proposer")
    tasks: Mapping[str, TaskChoice] = option(help="task name -> how it is answered")
    introduction: str = option(help="opening paragraphs of the card")
    limits: tuple[str, ...] = option((), help="what the model cannot do, one sentence each")
    measured: str = option("", help="how the figures were measured, with the commands")
    reproduce: tuple[str, ...] = option((), help="commands that make this model again")
    commit: str = option("", help="commit of the code that trained it")
    figures: tuple[Figure, ...] = field(default=(), metadata={"help": "measured figures, in order"})


def release(config: ReleaseConfig, say: Callable[[str], None] = print) -> Path:
    """Write the model folder; returns it.

    Raises:
        DataError: A part is missing.
        ModelError: The parts do not fit together.
    """
    folder = config.output.with_name(config.output.name + ".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    proposers = {name: _copy(name, choice, folder) for name, choice in config.proposers.items()}
    records = [r for r in read_records(config.prepared / "records.parquet") if r.split == TRAIN]
    tasks = {name: _task(name, choice, records, folder, say) for name, choice in config.tasks.items()}
    figures = [(figure, _report(figure)) for figure in config.figures]
    manifest = read_manifest(config.prepared)
    provenance = {
        "prepared_sha256": manifest["files"]["records.parquet"],
        "vocabulary_sha256": manifest["vocabulary_sha256"],
        "train_records": {k: v for k, v in manifest["counts"]["records"].items() if k.endswith("/train")},
        "commit": config.commit,
    }
    (folder / "README.md").write_text("\n".join(_card(config, manifest, figures)) + "\n", "utf-8")
    card = {"name": config.name, "release": config.release, "proposers": proposers, "tasks": tasks}
    seal(folder, card | {"provenance": provenance})
    shutil.rmtree(config.output, ignore_errors=True)
    folder.rename(config.output)
    size = sum(p.stat().st_size for p in config.output.rglob("*") if p.is_file())
    say(f"{config.output}: {size / 1e6:.1f} MB")
    return config.output


def _copy(name: str, choice: ProposerChoice, folder: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": choice.kind}
    if not choice.path.exists():
        raise DataError(f"proposer {name!r}: there is no {str(choice.path)!r}.")
    if choice.kind == "language_model":
        inner = choice.path / "language_model"
        shutil.copytree(inner if inner.is_dir() else choice.path, folder / name)
        settings = ("engine", "augmentations", "beam_size", "uses_class")
        return entry | {"folder": name} | {key: getattr(choice, key) for key in settings}
    target = folder / "rankers" / f"{name}.npz"
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(choice.path, target)
    return entry | {"file": target.relative_to(folder).as_posix(), "uses_class": choice.uses_class}


def _task(
    name: str, choice: TaskChoice, records: Sequence[Record], folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    task = TASKS.get(name)
    keys = (
        membership_key(task, task.given(record.reaction))
        for record in records
        if fits(task, record) and (not choice.sources or record.source in choice.sources)
    )
    count = write_seen(folder / "seen" / f"{name}.npy", keys)
    say(f"{name}: {count:,} distinct training questions")
    kept = ("trained", "proposers", "on_request", "rank_offset", "notes", "stereo_note", "reason")
    return {key: getattr(choice, key) for key in kept} | {
        "weights": dict(choice.weights) or None,
        "seen": f"seen/{name}.npy",
    }


def _report(figure: Figure) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(figure.report.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"figure {figure.label!r}: cannot read {str(figure.report)!r}: {error}.") from error
    return report


def _card(config: ReleaseConfig, manifest: Mapping[str, Any], figures: Sequence[tuple[Figure, Any]]) -> Iterator[str]:
    yield f"# {config.name} {config.release}\n\n{config.introduction.strip()}\n\n## Answers\n"
    yield "| task | trained | answers by default | on request |\n|---|---|---|---|"
    for name, task in config.tasks.items():
        trained = "yes" if task.trained else f"no: {task.reason}"
        yield f"| {name} | {trained} | {', '.join(task.proposers) or '-'} | {', '.join(task.on_request) or '-'} |"
    yield "\n## Figures\n\nPer cent, every row counted, 95 % bootstrap intervals in brackets. Isomeric.\n"
    yield "| what | n | top-1 | top-3 | top-5 | top-10 | valid@1 |\n|---|---|---|---|---|---|---|"
    for figure, report in figures:
        cells = [_percent(report, f"exact_match@{k}") for k in (1, 3, 5, 10)] + [_percent(report, "validity@1")]
        yield f"| {figure.label} | {report['n']:,} | {' | '.join(cells)} |"
    yield f"\n{config.measured.strip()}"
    yield "\n## Data\n"
    yield "| source | train rows used |\n|---|---|"
    for name, count in sorted(manifest["counts"]["records"].items()):
        if name.endswith(f"/{TRAIN}"):
            yield f"| {name.removesuffix(f'/{TRAIN}')} | {count:,} |"
    leaks = manifest["counts"]["leak_rule"]
    yield "\nDropped by the leak rule (product or reactant set of a protected row elsewhere, stereo-free):\n"
    yield from (f"- {reason}: {count:,}" for reason, count in leaks["dropped"].items())
    yield "\nKept because a published split is kept, and counted:\n"
    yield from (f"- {reason}: {count:,}" for reason, count in leaks["kept_inside"].items())
    yield f"\nSHA-256 of the training records: `{manifest['files']['records.parquet']}`"
    yield "\n## Limits\n"
    yield from (f"- {limit}" for limit in config.limits)
    yield "\n## Make it again\n\n```"
    yield from config.reproduce
    yield f"```\n\nCode: commit `{config.commit}`."


def _percent(report: Mapping[str, Any], name: str) -> str:
    if name not in report["metrics"]:
        return "-"
    low, high = report["intervals"][name]
    return f"{100 * report['metrics'][name]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if not arguments:
            raise ConfigError("no configuration file.", "Usage: python -m retort.recipes.release CONFIG.toml")
        release(load(ReleaseConfig, Path(arguments[0]), arguments[1:]))
    except RetortError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
