"""Train a language model on a prepared folder.

``retort train CONFIG.toml [key=value ...]`` runs this; on a bare machine without pydantic and typer,
``python -m retort.recipes.train CONFIG.toml [key=value ...]`` does the same.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from retort.config import apply_override, as_dict, load, option
from retort.data.collate import PreparedFolder
from retort.errors import ConfigError, ModelError, RetortError, UnknownNameError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.training.config import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

T = TypeVar("T")


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
        _prepare(config.prepare, config.prepared)
    prepared = PreparedFolder.open(config.prepared)
    vocabulary = Vocabulary.load(config.prepared / "vocabulary.json")
    if vocabulary.sha256 != prepared.manifest["vocabulary_sha256"]:
        raise ModelError(f"the vocabulary of {str(config.prepared)!r} is not the one its manifest names.")
    torch.manual_seed(config.training.seed)
    network, parents = _network(config, vocabulary)
    card = {"config": as_dict(config), "parents": parents, "prepared": _provenance(config.prepared, vocabulary)}
    with Run(network, vocabulary, prepared, config.training, config.output, card).interruptible() as run:
        return run.fit().folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if not arguments:
            raise ConfigError("no configuration file.", "Usage: python -m retort.recipes.train CONFIG.toml [key=value]")
        print(train(read_config(Path(arguments[0]), arguments[1:])))
    except RetortError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def read_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration with pydantic, or without it where it is not installed.

    Raises:
        ConfigError: The file does not fit.
    """
    try:
        import pydantic  # noqa: F401
    except ImportError:
        values = tomllib.loads(path.read_text("utf-8"))
        for override in overrides:
            apply_override(values, override)
        return fill(TrainConfig, values, "")
    return load(TrainConfig, path, overrides)


def fill(schema: type[T], values: Mapping[str, Any], trail: str) -> T:
    """Fill a dataclass from plain values with the standard library alone; types are checked one level deep.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of another type.
    """
    hints = get_type_hints(schema)
    for key in values:
        if key not in hints:
            raise UnknownNameError("key", trail + key, hints)
    given = {key: _converted(hints[key], value, trail + key) for key, value in values.items()}
    for field in fields(schema):  # type: ignore[arg-type]
        if field.name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"key {trail + field.name!r} is missing.")
    return schema(**given)


def _converted(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return fill(hint, value, f"{where}.")
    choices = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    for choice in choices:
        kind = get_origin(choice) or choice
        if kind is Literal and value in get_args(choice):
            return value
        if kind is Path and isinstance(value, str):
            return Path(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if kind is tuple and isinstance(value, list):
            return tuple(value)
        if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
    raise ConfigError(f"{where}: {value!r} is not {getattr(hint, '__name__', hint)}.")


def _prepare(path: Path, output: Path) -> None:
    from retort.recipes.prepare import PrepareConfig, prepare

    prepare(load(PrepareConfig, path, [f"output={output}"]), say=lambda text: print(text, file=sys.stderr))


def _network(config: TrainConfig, vocabulary: Vocabulary) -> tuple["PreTrainedModel", list[str]]:
    """Return the network to train and the checksums of the weights it comes from."""
    from retort.models import checkpoint

    if config.start_from is None:
        size = config.model.vocabulary_size or len(vocabulary)
        if size != len(vocabulary):
            raise ConfigError(f"model.vocabulary_size is {size}, the prepared vocabulary has {len(vocabulary)} tokens.")
        card = replace(config.model, vocabulary_size=size)
        return BACKBONES.get(card.backbone).build(card), []
    network = checkpoint.load_network(config.start_from, config.model.backbone)
    if network.config.vocab_size != len(vocabulary):
        raise ModelError(
            f"{str(config.start_from)!r} knows {network.config.vocab_size} tokens, the data {len(vocabulary)}."
        )
    return network, [checkpoint.file_sha256(config.start_from / checkpoint.WEIGHTS)]


def _provenance(prepared: Path, vocabulary: Vocabulary) -> dict[str, str]:
    manifest = sha256((prepared / "manifest.json").read_bytes()).hexdigest()
    return {"manifest_sha256": manifest, "vocabulary_sha256": vocabulary.sha256}


if __name__ == "__main__":
    raise SystemExit(main())
