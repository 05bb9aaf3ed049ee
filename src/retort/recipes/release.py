"""Assemble a model folder: proposers, re-rankers, calibrations, keys of the training rows, figures and card.

``python -m retort.recipes.release CONFIG.toml [key=value ...]`` writes a folder that ``--model`` can name.
"""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort.config import load, option
from retort.data.examples import fits, given_of
from retort.data.prepare import read_manifest, read_records
from retort.data.records import Record
from retort.data.splits import TRAIN
from retort.elicitation.frozen import FrozenTypes
from retort.errors import DataError
from retort.inference.model_folder import seal
from retort.inference.questions import membership_key, read_seen, write_seen
from retort.prompting.reaction_types import Telling
from retort.prompting.task import TASKS
from retort.recipes.card import Card, CardConfig
from retort.recipes.card_page import write_card
from retort.recipes.entry import run_with_config
from retort.recipes.known_environments import write_environments

ENVIRONMENTS = "seen/environments.npy"


@dataclass(frozen=True)
class ProposerChoice:
    """One proposer of the model."""

    kind: str = option(help="such as language_model, template_ranker or boosted_trees; see model folders")
    path: Path = option(help="exported model folder of a language model, or .npz file of another proposer")
    engine: str = option("ctranslate2", help="what runs a language model: ctranslate2, transformers or toy")
    augmentations: int = option(1, help="spellings per question of a language model")
    beam_size: int = option(10, help="beams per spelling of a language model")
    patience: float = option(1.0, help="its searches end when this many times the beams are finished")
    uses_class: bool = option(False, help="it can use a known reaction class")
    types: Path | None = option(None, help="folder of frozen types that a typed language model is told")
    telling: Telling = option("mixture", help="how it is told them: likeliest, shares or mixture")
    top_types: int = option(3, help="the most types that are mixed")


@dataclass(frozen=True)
class TaskChoice:
    """How the model answers one task."""

    trained: bool = option(help="it beats popularity and nearest neighbours on held-out rows")
    proposers: tuple[str, ...] = option((), help="who answers by default, chosen on valid part A")
    on_request: tuple[str, ...] = option((), help="who answers only when asked for by name")
    weights: Mapping[str, float] = option(help="weights of the proposers' votes when merged", factory=dict)
    rank_offset: float = option(1.0, help="offset of reciprocal-rank fusion")
    sources: tuple[str, ...] = option((), help="sources whose train rows were seen; all that fit when empty")
    seen: Path | None = option(None, help="keys of the train rows, for a task that no prepared row asks")
    notes: tuple[str, ...] = option((), help="sentences that every answer carries")
    stereo_note: str = option("", help="sentence for queries that state stereochemistry")
    reranker: Path | None = option(None, help="file that orders the merged candidates")
    calibration: Path | None = option(None, help="file that turns scores into confidences")
    reason: str = option("", help="why the task is not trained")


@dataclass(frozen=True)
class ReleaseConfig:
    """Everything that goes into a model folder."""

    output: Path = option(help="folder to write; an existing one is replaced")
    name: str = option(help="name of the model")
    release: str = option(help="version of the model")
    prepared: Path = option(help="prepared folder that everything was trained on")
    proposers: Mapping[str, ProposerChoice] = option(help="name -> proposer")
    tasks: Mapping[str, TaskChoice] = option(help="task name -> how it is answered")
    card: CardConfig = option(help="words and figures of the model card")


def release(config: ReleaseConfig, say: Callable[[str], None] = print) -> Path:
    """Write the model folder; returns it.

    Raises:
        DataError: A part is missing.
        ModelError: The parts do not fit together.
    """
    folder = config.output.with_name(config.output.name + ".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    homes: dict[Path, str] = {}  # a language model that is asked in two ways is there once
    for name, choice in config.proposers.items():
        homes.setdefault(choice.path, name)
    proposers = {n: add_proposer(n, choice, folder, homes[choice.path]) for n, choice in config.proposers.items()}
    records = [r for r in read_records(config.prepared / "records.parquet") if r.split == TRAIN]
    tasks = {name: add_task(name, choice, records, folder, say) for name, choice in config.tasks.items()}
    manifest = read_manifest(config.prepared)
    provenance = {
        "prepared_sha256": manifest["files"]["records.parquet"],
        "vocabulary_sha256": manifest["vocabulary_sha256"],
        "train_records": {k: v for k, v in manifest["counts"]["records"].items() if k.endswith("/train")},
        "commit": config.card.commit,
    }
    say(f"{write_environments(records, folder / ENVIRONMENTS):,} atom environments of training molecules")
    card = {"name": config.name, "release": config.release, "proposers": proposers, "tasks": tasks}
    card["environments"] = ENVIRONMENTS
    write_card(folder, card, Card.of(config.card, manifest))
    seal(folder, card | {"provenance": provenance})
    shutil.rmtree(config.output, ignore_errors=True)
    folder.rename(config.output)
    size = sum(p.stat().st_size for p in config.output.rglob("*") if p.is_file())
    say(f"{config.output}: {size / 1e6:.1f} MB")
    return config.output


def add_proposer(name: str, choice: ProposerChoice, folder: Path, home: str) -> dict[str, Any]:
    """Copy a proposer into the model folder; return what the card says of it.

    Args:
        name: What it is called.
        choice: Where it is, and its settings.
        folder: The model folder.
        home: Folder of its language model, which is there already where another proposer has brought it.

    Raises:
        DataError: There is no such file.
    """
    entry: dict[str, Any] = {"kind": choice.kind}
    if not choice.path.exists():
        raise DataError(f"proposer {name!r}: there is no {str(choice.path)!r}.")
    if choice.kind in ("language_model", "typed_language_model"):
        inner = choice.path / "language_model"
        if not (folder / home).exists():
            shutil.copytree(inner if inner.is_dir() else choice.path, folder / home)
        settings = ("engine", "augmentations", "beam_size", "patience", "uses_class")
        entry |= {"folder": home} | {key: getattr(choice, key) for key in settings}
        return entry if choice.types is None else entry | _types(name, choice, choice.types, folder)
    target = folder / "rankers" / f"{name}.npz"
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(choice.path, target)
    return entry | {"file": target.relative_to(folder).as_posix(), "uses_class": choice.uses_class}


def _types(name: str, choice: ProposerChoice, types: Path, folder: Path) -> dict[str, Any]:
    """Copy the types that a language model is told, with what reads them; return what the card says of them."""
    frozen = FrozenTypes.load(types)
    frozen.save(folder / "types" / name, frozen.encoder_folder(types))
    return {"types": f"types/{name}", "telling": choice.telling, "top_types": choice.top_types}


def add_task(
    name: str, choice: TaskChoice, records: Sequence[Record], folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Copy what a task needs into the model folder; return what the card says of it.

    Args:
        name: Of the task.
        choice: How it is answered.
        records: Train rows that were seen, where the choice names no keys.
        folder: The model folder.
        say: Told how many questions were seen.

    Raises:
        DataError: There is no such file.
    """
    task = TASKS.get(name)
    keys = (
        membership_key(task, given_of(task, record))
        for record in records
        if fits(task, record) and (not choice.sources or record.source in choice.sources)
    )
    known = (int(key) for key in read_seen(choice.seen)) if choice.seen else keys
    count = write_seen(folder / "seen" / f"{name}.npy", known)
    say(f"{name}: {count:,} distinct training questions")
    kept = ("trained", "proposers", "on_request", "rank_offset", "notes", "stereo_note", "reason")
    parts = {
        "seen": f"seen/{name}.npy",
        "reranker": _part(choice.reranker, folder / "rerankers" / name),
        "calibration": _part(choice.calibration, folder / "calibration" / name),
    }
    values = {key: getattr(choice, key) for key in kept} | {"weights": dict(choice.weights) or None}
    return values | {key: path for key, path in parts.items() if path is not None}


def _part(source: Path | None, target: Path) -> str | None:
    """Copy a file into the model folder, if there is one; return its path there."""
    if source is None:
        return None
    if not source.is_file():
        raise DataError(f"there is no {str(source)!r}.")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target.with_suffix(source.suffix))
    return f"{target.parent.name}/{target.name}{source.suffix}"


def _release_file(path: Path, overrides: Sequence[str]) -> Path:
    return release(load(ReleaseConfig, path, overrides), say=lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_release_file))
