"""Train a language model on a prepared folder.

``retort train CONFIG.toml [key=value ...]`` runs this; on a bare machine without pydantic and typer,
``python -m retort.recipes.train CONFIG.toml [key=value ...]`` does the same.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.config import as_dict, load, option
from retort.data.collate import PreparedFolder
from retort.errors import ConfigError, ModelError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.lora_settings import LoraSettings
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.entry import run_with_config
from retort.training.config import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class TrainConfig:
    """A training run: data, model and loop."""

    prepared: Path = option(help="Prepared folder to train on.")
    output: Path = option(help="Folder that receives last/, best/, final/ and metrics.jsonl.")
    training: TrainingConfig = option(help="The loop.")
    model: Seq2SeqConfig = option(help="Card of a network that is trained from scratch.", factory=Seq2SeqConfig)
    prepare: Path | None = option(
        None, help="Configuration of `retort prepare` that makes the prepared folder where it is not there yet."
    )
    start_from: Path | None = option(None, help="Hugging Face folder whose weights to start from; the card is ignored.")
    travel: Path | None = option(
        None, help="Also write the final weights here in bf16, in files of 15 MiB, to carry to another machine."
    )
    lora: LoraSettings | None = option(
        None, help="Train low-rank adapters on `start_from` alone; what is written has them folded in."
    )

    def __post_init__(self) -> None:
        if self.lora is None:
            return
        if self.start_from is None:
            raise ConfigError("adapters change a model that has learned something.", "Name one with start_from.")
        if self.training.compile or self.training.score_limit is not None:
            raise ConfigError("adapters go with neither training.compile nor training.score_limit.", "Leave them out.")


def train(config: TrainConfig) -> Path:
    """Run one training to its end, or to a signal.

    Returns:
        The folder ``final/``; after a signal ``last/``, from which the same call goes on.

    Raises:
        DataError: The prepared folder is damaged.
        ModelError: The start or resumed model is damaged or does not fit the data.
    """
    import torch

    from retort.training.loop import Run

    if config.prepare is not None and not (config.prepared / "manifest.json").exists():
        prepare_data(config.prepare, config.prepared)
    prepared = PreparedFolder.open(config.prepared)
    vocabulary = Vocabulary.load(config.prepared / "vocabulary.json")
    if vocabulary.sha256 != prepared.manifest["vocabulary_sha256"]:
        raise ModelError(f"the vocabulary of {str(config.prepared)!r} is not the one its manifest names.")
    torch.manual_seed(config.training.seed)
    network, ancestry = starting_network(config.start_from, config.model, vocabulary)
    if config.lora is not None:
        from retort.models.adapters import add_adapters

        add_adapters(network, config.lora)
    card = {"config": as_dict(config), **ancestry, "prepared": _provenance(config.prepared, vocabulary)}
    with Run(network, vocabulary, prepared, config.training, config.output, card).interruptible() as run:
        result = run.fit()
        if config.travel is not None and result.outcome != "stopped" and run.accelerator.is_main_process:
            _write_travelling(result.folder, config.travel)
        run.accelerator.wait_for_everyone()
    return result.folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, overrides: train(load(TrainConfig, path, overrides)), arguments)


def prepare_data(path: Path, output: Path) -> None:
    """Make a prepared folder by a configuration of ``retort prepare``, whatever output it names.

    Raises:
        ConfigError: Several processes would make it at once.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(f"{str(output)!r} is not there.", "Run `retort prepare` before starting several processes.")
    from retort.recipes.prepare import PrepareConfig, prepare

    prepare(load(PrepareConfig, path, [f"output={output}"]), say=lambda text: print(text, file=sys.stderr))


def starting_network(
    start: Path | None, model: Seq2SeqConfig, vocabulary: Vocabulary
) -> tuple["PreTrainedModel", dict[str, Any]]:
    """Return the network to start from, and what a card says about where its weights come from.

    Args:
        start: Model folder; without it weights are drawn from torch's global generator.
        model: Card of a network that is trained from scratch; of a folder's, only the backbone counts.
        vocabulary: Of the data; a folder's network with another one is extended to it.

    Raises:
        ConfigError: The card does not fit the vocabulary.
        ModelError: The folder is damaged or does not fit the vocabulary.
    """
    from retort.models import checkpoint

    if start is None:
        size = model.vocabulary_size or len(vocabulary)
        if size != len(vocabulary):
            raise ConfigError(f"model.vocabulary_size is {size}, the prepared vocabulary has {len(vocabulary)} tokens.")
        card = replace(model, vocabulary_size=size)
        return BACKBONES.get(card.backbone).build(card), {"parents": [], "tokens_before": 0}
    before = checkpoint.tokens_total(start)
    network = checkpoint.load_network(start, model.backbone)
    extension = _extend(network, start, vocabulary)
    return network, {"parents": [checkpoint.weights_sha256(start)], "tokens_before": before, **extension}


def _extend(network: "PreTrainedModel", start: Path, vocabulary: Vocabulary) -> dict[str, Any]:
    """Fit a network to the vocabulary of the data, in place; return what the card says about it.

    Raises:
        ModelError: The vocabularies do not fit.
    """
    from retort.models.checkpoint import VOCABULARY
    from retort.models.extension import extend_vocabulary

    stored = Vocabulary.load(start / VOCABULARY) if (start / VOCABULARY).is_file() else None
    if stored is not None and stored.tokens != vocabulary.tokens:
        return {"vocabulary_extension": asdict(extend_vocabulary(network, stored, vocabulary))}
    if network.config.vocab_size != len(vocabulary):
        raise ModelError(f"{str(start)!r} knows {network.config.vocab_size} tokens, the data {len(vocabulary)}.")
    return {}


def _write_travelling(final: Path, folder: Path) -> None:
    from retort.models import checkpoint

    stored = checkpoint.load(final)
    card = {key: value for key, value in stored.card.items() if key not in ("format", "version", "files")}
    card["copied_from"] = checkpoint.weights_sha256(final)
    checkpoint.save_travelling(folder, stored.network, stored.vocabulary, card)


def _provenance(prepared: Path, vocabulary: Vocabulary) -> dict[str, str]:
    manifest = sha256((prepared / "manifest.json").read_bytes()).hexdigest()
    return {"manifest_sha256": manifest, "vocabulary_sha256": vocabulary.sha256}


if __name__ == "__main__":
    raise SystemExit(main())
