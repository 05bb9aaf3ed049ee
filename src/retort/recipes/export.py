"""Export: checkpoint -> model folder that answers queries, refused unless its scores are those of the checkpoint."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retort import __version__
from retort.errors import ConfigError, ModelError, UsageError
from retort.inference.conversion import deviation, probes, write_ctranslate2
from retort.inference.engines.ctranslate2 import CTranslate2Engine
from retort.inference.engines.transformers import TransformersEngine
from retort.inference.model_folder import CARD, seal
from retort.models.checkpoint import read_card, replacing
from retort.prompting.prompt_card import PROMPTS
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.export_foreign import export_foreign
from retort.recipes.hub import write_page, write_tokenizer

Target = Literal["ctranslate2", "hf"]
TOLERANCE = 1e-4  # of log-probability per token, float32 against torch
PATIENCE = 2.0  # of searches; see docs/decisions/0023-patience.md
FOLDERS: dict[Target, str] = {"ctranslate2": "language_model", "hf": "."}  # within the model folder


@dataclass(frozen=True)
class Exported:
    """What was written, and how faithful it is.

    Attributes:
        folder: The model folder.
        tasks: Tasks it answers.
        megabytes: Size of all files, in 10**6 bytes.
        float32: Largest deviation of a float32 copy's scores from the checkpoint's, log-probability per token.
        int8: The same of the int8 copy; None where none was written.
    """

    folder: Path
    tasks: tuple[str, ...]
    megabytes: float
    float32: float
    int8: float | None

    def lines(self) -> list[str]:
        """Return what to tell the user."""
        int8 = "" if self.int8 is None else f", int8 by {self.int8:.1e}"
        return [
            f"scores deviate from the checkpoint by at most {self.float32:.1e} in float32{int8} per token",
            f"{self.folder} is a model of {self.megabytes:.1f} MB for {', '.join(self.tasks)}",
        ]


def export(checkpoint: Path, to: Target = "ctranslate2", output: Path | None = None) -> Exported:
    """Write a model folder from a checkpoint folder.

    Args:
        checkpoint: A folder that training wrote, e.g. ``runs/tiny/final``.
        to: ``ctranslate2`` (int8, runs without torch) or ``hf`` (Hugging Face folder with tokenizer, needs torch).
        output: The folder to write; ``<checkpoint>-<to>`` by default.

    Raises:
        ModelError: The checkpoint is damaged, or the copy's scores are not the checkpoint's.
        ConfigError: The output exists and is not a model folder.
        MissingExtraError: torch or transformers is not installed.
    """
    output = output or checkpoint.with_name(f"{checkpoint.name}-{to}")
    if output.exists() and not (output / CARD).is_file():
        raise ConfigError(f"{str(output)!r} exists and is not a model folder.", "Choose another --output.")
    if (checkpoint / PROMPTS).is_file():
        return _foreign(checkpoint, to, output)
    card = read_card(checkpoint)
    vocabulary = Vocabulary.load(checkpoint / "vocabulary.json")
    tasks = _trained_tasks(card)
    reference = TransformersEngine(checkpoint, vocabulary)
    with replacing(output) as folder:
        write = _write_ctranslate2 if to == "ctranslate2" else _write_hf
        float32, int8 = write(reference, vocabulary, folder, tasks)
        if to == "hf":
            write_page(folder, output.name, tasks, _provenance(card))
        deviations = {"float32": float32, "int8": int8}
        seal(folder, _model_card(output.name, to, tasks, {**_provenance(card), "deviation": deviations}))
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Exported(output, tasks, size / 1e6, float32, int8)


def _foreign(checkpoint: Path, to: Target, output: Path) -> Exported:
    if to != "ctranslate2":
        raise UsageError(f"{str(checkpoint)!r} is a Hugging Face folder already.", "Export it --to ctranslate2.")
    tasks, float32, int8 = export_foreign(checkpoint, output, TOLERANCE)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return Exported(output, tasks, size / 1e6, float32, int8)


def _write_ctranslate2(
    reference: TransformersEngine, vocabulary: Vocabulary, folder: Path, tasks: tuple[str, ...]
) -> tuple[float, float | None]:
    """Write the int8 copy; return the deviations of a float32 copy, which must be small, and of the int8 one."""
    pairs = probes(tasks, vocabulary)
    with tempfile.TemporaryDirectory() as scratch:
        write_ctranslate2(reference.model, vocabulary, Path(scratch), "float32")
        copy = CTranslate2Engine(Path(scratch), vocabulary, compute_type="float32", threads=1)
        float32 = deviation(reference, copy, pairs)
    if float32 > TOLERANCE:
        raise ModelError(
            f"refused: the float32 copy's scores deviate by {float32:.2g} per token from the checkpoint's "
            f"(at most {TOLERANCE} is allowed).",
            "The network is of a kind that CTranslate2 does not compute alike; export it with --to hf.",
        )
    inner = folder / FOLDERS["ctranslate2"]
    inner.mkdir()
    write_ctranslate2(reference.model, vocabulary, inner, "int8")
    vocabulary.save(inner / "vocabulary.json")
    return float32, deviation(reference, CTranslate2Engine(inner, vocabulary, threads=1), pairs)


def _write_hf(
    reference: TransformersEngine, vocabulary: Vocabulary, folder: Path, tasks: tuple[str, ...]
) -> tuple[float, float | None]:
    """Write a Hugging Face folder with its tokenizer, without optimiser state; it must load and score alike."""
    reference.model.save_pretrained(folder)
    vocabulary.save(folder / "vocabulary.json")
    write_tokenizer(vocabulary, folder)
    return deviation(reference, TransformersEngine(folder, vocabulary), probes(tasks, vocabulary)), None


def _model_card(name: str, to: Target, tasks: tuple[str, ...], provenance: Mapping[str, Any]) -> dict[str, Any]:
    engine = "ctranslate2" if to == "ctranslate2" else "transformers"
    model = {"kind": "language_model", "folder": FOLDERS[to], "engine": engine, "patience": PATIENCE}
    return {
        "name": name,
        "release": __version__,
        "proposers": {"language_model": model},
        "tasks": {task: {"trained": True, "proposers": ["language_model"]} for task in tasks},
        "provenance": provenance,
    }


def _provenance(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the weights come from; paths of the machine that trained them stay behind."""
    config = {key: card.get("config", {}).get(key) for key in ("model", "training")}
    kept = {key: card.get(key) for key in ("prepared", "parents", "position", "metrics", "files")}
    return {"config": config, **kept}


def _trained_tasks(card: Mapping[str, Any]) -> tuple[str, ...]:
    tasks = tuple(card.get("metrics", {}).get("tasks", {}) or card.get("tasks", ()))
    if not tasks:
        raise ModelError(
            "the checkpoint does not say which tasks it learned: it was never evaluated.", "Use best/ or final/."
        )
    return tasks
