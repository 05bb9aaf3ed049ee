"""Model folders: what ``--model NAME|DIR`` names.

``model.json`` lists the proposers, which tasks they answer and were trained for, and the checksum of every file.
A file's checksum is verified when the file is first used, so a damaged model never answers. Embedded models live in
the package under ``weights/<name>/``.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from retort import config
from retort.errors import ConfigError, ModelError, did_you_mean
from retort.models.checkpoint import CARD as STAGE_CARD
from retort.models.checkpoint import file_sha256
from retort.prompting.reaction_types import Telling

CARD = "model.json"
FORMAT, VERSION = "retort-model", 1
DEFAULT_MODEL = "retort-base"


@dataclass(frozen=True)
class ProposerEntry:
    """One proposer of a model.

    Attributes:
        kind: ``language_model``, ``typed_language_model``, ``template_ranker``, ``template_placer``, ``answer_ranker``,
            ``boosted_trees``, ``boosted_values``, ``value_network``, or a baseline: ``popularity``,
            ``candidate_means``, ``nearest_reaction``, ``nearest_molecule``, ``nearest_text``, ``nearest_template``;
            also the name its candidates carry.
        folder: Folder of a language model, relative to the model folder.
        file: File of a ranker, of trees, of a network or of a baseline, relative to the model folder.
        engine: What runs a language model: ``ctranslate2``, ``transformers``, ``multimodal``, ``recorded`` or ``toy``.
        augmentations: Spellings per question of a language model.
        beam_size: Beams per spelling of a language model.
        patience: Its searches end when this many times the beams are finished; read by ``ctranslate2`` alone. At 1, bad
            short answers are finished before a good long one is (docs/decisions/0023-patience.md).
        uses_class: It was trained with a known reaction class in the prompt.
        types: Folder of the frozen types that a typed language model is told, relative to the model folder.
        telling: How it is told them.
        top_types: The most types that are mixed.
    """

    kind: str
    folder: str | None = None
    file: str | None = None
    engine: str = "ctranslate2"
    augmentations: int = 1
    beam_size: int = 10
    patience: float = 1.0
    uses_class: bool = False
    types: str | None = None
    telling: Telling = "mixture"
    top_types: int = 3


@dataclass(frozen=True)
class TaskEntry:
    """What a model knows of one task.

    Attributes:
        trained: It beats popularity and nearest neighbours on held-out rows.
        proposers: Proposers that answer by default, by their names in ``model.json``.
        on_request: Proposers that answer only when they are asked for by name.
        weights: Weight of a proposer's votes in the merged ranking; 1 where none is given.
        rank_offset: Offset of reciprocal-rank fusion, see :mod:`retort.inference.merging`.
        notes: Sentences that every answer carries.
        stereo_note: Sentence that an answer carries when the query states stereochemistry.
        seen: File with the keys of the training rows, relative to the model folder.
        calibration: File that turns scores into confidences, relative to the model folder.
        reranker: File that orders the merged candidates anew, relative to the model folder.
        reason: Why the task is not trained.
    """

    trained: bool
    proposers: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    weights: dict[str, float] | None = None
    rank_offset: float = 1.0
    notes: tuple[str, ...] = ()
    stereo_note: str = ""
    seen: str | None = None
    calibration: str | None = None
    reranker: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class ModelCard:
    """The contents of ``model.json``.

    Attributes:
        files: Path relative to the folder -> SHA-256 of the file.
        environments: File with the atom environments of the training molecules, relative to the model folder; see
            :mod:`retort.inference.environments`.
        provenance: Where the model comes from: data, configurations, checksums, figures.
    """

    format: str
    version: int
    name: str
    release: str
    proposers: dict[str, ProposerEntry]
    tasks: dict[str, TaskEntry]
    files: dict[str, str]
    environments: str | None = None
    provenance: dict[str, Any] | None = None


@dataclass(frozen=True)
class ModelFolder:
    """An opened model folder; files are checked when they are asked for."""

    path: Path
    card: ModelCard
    card_file: str = CARD

    @classmethod
    def open(cls, name: str) -> "ModelFolder":
        """Open an embedded model by name or a folder by path, be it that of a training stage or of a chain of them.

        Raises:
            ModelError: There is no such model, or its ``model.json`` cannot be used.
        """
        path = locate(name)
        if not (path / CARD).is_file():
            from retort.inference.stage_folder import stage_card, stage_in

            stage = stage_in(path)
            if stage is not None:
                return cls(stage, stage_card(stage), STAGE_CARD)
        try:
            values = json.loads((path / CARD).read_text("utf-8"))
        except FileNotFoundError as error:
            raise ModelError(f"{str(path)!r} is not a model folder: it has no {CARD}.", _no_card_hint(path)) from error
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read {str(path / CARD)!r}: {error}.") from error
        return cls(path, _read_card(values, str(path / CARD)))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the card, which holds the checksums of all files: it names these very weights."""
        return file_sha256(self.path / self.card_file)

    def file(self, relative: str) -> Path:
        """Return the path of a file after verifying its checksum.

        Raises:
            ModelError: The file is missing, not listed, or damaged.
        """
        expected = self.card.files.get(relative)
        path = self.path / relative
        if expected is None:
            raise ModelError(f"{CARD} of model {self.card.name!r} lists no file {relative!r}.")
        try:
            actual = file_sha256(path)
        except OSError as error:
            raise ModelError(f"model {self.card.name!r} lacks {str(path)!r}: {error.strerror}.") from error
        if actual != expected:
            raise ModelError(
                f"model {self.card.name!r}: {str(path)!r} is damaged (its checksum is {actual[:12]}..., "
                f"{CARD} says {expected[:12]}...).",
                "Install or export the model again.",
            )
        return path

    def folder(self, relative: str) -> Path:
        """Return the path of a folder after verifying every listed file in it; raises as :meth:`file`."""
        prefix = "" if relative == "." else f"{relative.rstrip('/')}/"
        inside = [name for name in self.card.files if name.startswith(prefix)]
        if not inside:
            raise ModelError(f"{CARD} of model {self.card.name!r} lists no file in {relative!r}.")
        for name in inside:
            self.file(name)
        return self.path / relative


def embedded_models() -> list[str]:
    """Return the names of the models inside the package, sorted."""
    weights = _weights()
    return sorted(p.parent.name for p in weights.glob(f"*/{CARD}")) if weights.is_dir() else []


def locate(name: str) -> Path:
    """Return the folder of an embedded model or of a path.

    Raises:
        ModelError: There is neither.
    """
    if name in embedded_models():
        return _weights() / name
    path = Path(name)
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError(f"model {name!r} is a file, not a folder.", "Name the folder that holds model.json.")
    raise ModelError(f"there is no model {name!r}.", did_you_mean(name, embedded_models()))


def seal(path: Path, values: dict[str, Any]) -> Path:
    """Write ``model.json`` with the checksums of all files under ``path``, and check that it can be opened.

    Args:
        path: The model folder, complete but for ``model.json``.
        values: Contents of ``model.json`` without ``format``, ``version`` and ``files``.

    Returns:
        Path of the file written.

    Raises:
        ModelError: The values are no valid model card.
    """
    names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    checksums = {name: file_sha256(path / name) for name in names if name != CARD}
    card = {"format": FORMAT, "version": VERSION, **values, "files": checksums}
    _read_card(card, str(path / CARD))
    target = path / CARD
    target.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return target


def _read_card(values: Any, where: str) -> ModelCard:
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ModelError(f"{where} is not a model card: its format is not {FORMAT!r}.")
    if values.get("version") != VERSION:
        raise ModelError(
            f"{where} has version {values.get('version')!r}; this release reads {VERSION}.",
            "Install the release of retort that wrote it, or export the model again.",
        )
    try:
        card = config.build(ModelCard, values, where)
    except ConfigError as error:
        raise ModelError(error.message, error.hint) from error
    _check_references(card, where)
    return card


def _check_references(card: ModelCard, where: str) -> None:
    for task, entry in card.tasks.items():
        for name in (*entry.proposers, *entry.on_request, *(entry.weights or {})):
            if name not in card.proposers:
                raise ModelError(f"{where}: task {task!r} names the proposer {name!r}, which is not listed.")
        if entry.trained and not entry.proposers:
            raise ModelError(f"{where}: task {task!r} is trained but names no proposer.")
    for name in card.files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelError(f"{where}: the file {name!r} lies outside of the model folder.")


def _no_card_hint(path: Path) -> str:
    if (path / "retort.json").is_file() or (path / "prompt.toml").is_file():
        return f"It is a checkpoint: export it first with 'retort export {path} --to ctranslate2'."
    if (path / "config.json").is_file():
        return "A foreign T5 folder needs a prompt.toml, and is then exported: see docs/how-to/hub.md."
    return "Name a folder that 'retort export' wrote."


def _weights() -> Path:
    return Path(str(files("retort") / "weights"))
