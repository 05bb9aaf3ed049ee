"""Model folders on disk: written whole or not at all, and refused when damaged.

A folder is a Hugging Face folder (``config.json``, ``model.safetensors`` or its shards) with ``vocabulary.json`` and
``retort.json``, which holds where the weights come from and the checksums of the files. Importing this module needs no
torch.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
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
INDEX = "model.safetensors.index.json"  # which shard holds which tensor, where there are several


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


def save_travelling(
    folder: Path,
    network: "PreTrainedModel",
    vocabulary: Vocabulary,
    card: Mapping[str, Any],
    *,
    max_shard_mib: float = 15.0,
) -> None:
    """Write a model folder with bf16 weights in files of at most so many MiB, to carry from one machine to another.

    :func:`load` and :func:`load_network` read it like any other, back into fp32. bf16 keeps eight bits of a number,
    which inference and further training do not notice.

    Raises:
        OutputError: The disk is full or may not be written, or one tensor alone is larger than a file may be.
    """
    import copy

    import torch

    small = copy.deepcopy(network).to(torch.bfloat16)
    limit = int(max_shard_mib * 2**20)
    with replacing(folder) as temporary:
        header = 2**16  # room for the names and shapes at the head of a file
        write_model(temporary, small, vocabulary, card, max_shard_bytes=max(1, limit - header))
        for path in _weight_files(temporary):
            if path.stat().st_size > limit:
                raise OutputError(f"a tensor of {str(folder)!r} is larger than {max_shard_mib} MiB.")


def write_model(
    folder: Path,
    network: "PreTrainedModel",
    vocabulary: Vocabulary,
    card: Mapping[str, Any],
    *,
    max_shard_bytes: int = 2**40,
) -> None:
    """Write the files of a model into an existing folder."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    network.save_pretrained(folder, max_shard_size=max_shard_bytes)
    vocabulary.save(folder / VOCABULARY)
    others = [name for name in (INDEX, "config.json", VOCABULARY) if (folder / name).exists()]
    write_card(folder, card, [*(p.name for p in _weight_files(folder)), *others])


def write_card(folder: Path, card: Mapping[str, Any], names: Iterable[str]) -> None:
    """Write ``retort.json`` beside the named files, with their checksums; :func:`read_card` reads it."""
    files = {name: file_sha256(folder / name) for name in names}
    content = {"format": FORMAT, "version": VERSION, **card, "files": files}
    (folder / CARD).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def weights_sha256(folder: Path) -> str:
    """Return what identifies the weights of a folder: the checksum of their file, or of the shards' checksums."""
    sums = [file_sha256(path) for path in _weight_files(folder)]
    return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def tokens_total(folder: Path) -> int | None:
    """Return how many tokens the weights of a folder have seen in all runs, or None where no card says so."""
    if not (folder / CARD).is_file():
        return None
    card = read_card(folder)
    if "tokens_total" in card:
        return None if card["tokens_total"] is None else int(card["tokens_total"])
    return None if card.get("parents") else int(card.get("position", {}).get("tokens", 0))


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


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
