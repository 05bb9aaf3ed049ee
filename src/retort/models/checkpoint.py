"""Model folders on disk: written whole or not at all, and refused when damaged.

A folder is a Hugging Face folder (``config.json``, ``model.safetensors``) with ``vocabulary.json`` and ``retort.json``,
which holds where the weights come from and the checksums of the files. Importing this module needs no torch.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.errors import ModelError, OutputError
from retort.prompting.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FORMAT, VERSION = "retort-checkpoint", 1
WEIGHTS, CARD, VOCABULARY = "model.safetensors", "retort.json", "vocabulary.json"


@dataclass(frozen=True)
class Checkpoint:
    """A model read from disk.

    Attributes:
        card: Content of ``retort.json``: resolved configs, parents, data checksum, tokens seen, metrics.
    """

    network: "PreTrainedModel"
    vocabulary: Vocabulary
    card: Mapping[str, Any]


def save(folder: Path, network: "PreTrainedModel", vocabulary: Vocabulary, card: Mapping[str, Any]) -> None:
    """Write a model folder, replacing an older one at once.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    with replacing(folder) as temporary:
        write_model(temporary, network, vocabulary, card)


def write_model(folder: Path, network: "PreTrainedModel", vocabulary: Vocabulary, card: Mapping[str, Any]) -> None:
    """Write the files of a model into an existing folder."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    network.save_pretrained(folder)
    vocabulary.save(folder / VOCABULARY)
    files = {name: file_sha256(folder / name) for name in (WEIGHTS, "config.json", VOCABULARY)}
    content = {"format": FORMAT, "version": VERSION, **card, "files": files}
    (folder / CARD).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def load(folder: Path) -> Checkpoint:
    """Read a model folder onto the CPU in fp32, in evaluation mode.

    Raises:
        ModelError: The folder is absent, damaged, or its parts do not fit.
    """
    card = read_card(folder)
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    network = load_network(folder, str(card.get("config", {}).get("model", {}).get("backbone", "t5")))
    if network.config.vocab_size != len(vocabulary):
        raise ModelError(
            f"{str(folder)!r}: the network knows {network.config.vocab_size} tokens, the vocabulary {len(vocabulary)}."
        )
    return Checkpoint(network, vocabulary, card)


def load_network(folder: Path, backbone: str = "t5") -> "PreTrainedModel":
    """Read only the network of a local Hugging Face folder, in evaluation mode.

    Raises:
        ModelError: The folder is absent or damaged.
    """
    from retort.models.backbone import BACKBONES

    if not (folder / "config.json").is_file():
        raise ModelError(f"{str(folder)!r} is not a model folder: it has no config.json.")
    network = BACKBONES.get(backbone).load(folder)
    network.eval()
    return network


def read_card(folder: Path) -> dict[str, Any]:
    """Return ``retort.json`` after checking its version and the checksums of the files it names.

    Raises:
        ModelError: The card is absent or unreadable, or a file is absent or altered.
    """
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
        kind, version, files = card["format"], card["version"], dict(card["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{str(folder)!r} is not a model folder: {CARD}: {error}.") from error
    if (kind, version) != (FORMAT, VERSION):
        raise ModelError(f"{str(folder)!r} is {kind!r} version {version!r}, not {FORMAT!r} version {VERSION}.")
    for name, expected in files.items():
        if not (folder / name).is_file() or file_sha256(folder / name) != expected:
            raise ModelError(f"{str(folder / name)!r} is missing or damaged.", "Copy or train the model again.")
    return dict(card)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside ``folder`` that takes its place when the block ends without an error.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write {str(folder)!r}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def recover(folder: Path) -> Path:
    """Put back the previous version of a folder whose replacement was cut off between two renames."""
    old = folder.with_name(f".{folder.name}.old")
    if not folder.exists() and old.exists():
        old.rename(folder)
    return folder


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
