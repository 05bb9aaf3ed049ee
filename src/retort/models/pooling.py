"""Pooled vectors of texts: the mean of an encoder's last hidden states over a text's own tokens.

Padding never counts, so a vector does not depend on which texts share its batch. Importing this module needs no torch.

Legend: ``b`` rows of a batch, ``s`` tokens, ``n`` rows, ``d`` hidden size.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retort.errors import DataError
from retort.models.protocol import PAD_ID

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Tokens: TypeAlias = "Sequence[int] | NDArray[np.integer]"


def pooled(network: "PreTrainedModel", texts: Sequence[Tokens], *, tokens_per_batch: int = 16_384) -> Floats:
    """Return the mean of each text's last hidden states over its own tokens, float32 [n, d].

    Texts of like length share a batch; computed without gradient on the device of the network.

    Raises:
        DataError: There is no text, or one is empty or longer than the encoder can read.
    """
    import torch

    rows = [np.asarray(text, np.int64) for text in texts]
    lengths = np.array([len(row) for row in rows], np.int64)
    _refuse_lengths(lengths, getattr(network.config, "max_position_embeddings", None))
    encoder = network.get_encoder()
    vectors: Floats | None = None
    with torch.inference_mode(), _evaluating(encoder):
        for chosen in _batches(lengths, tokens_per_batch):
            part = _encode(encoder, [rows[i] for i in chosen], network.device)
            vectors = np.empty((len(rows), part.shape[1]), np.float32) if vectors is None else vectors
            vectors[chosen] = part
    assert vectors is not None
    return vectors


def encoder_sha256(network: "PreTrainedModel") -> str:
    """Return the SHA-256 of the encoder's weights: names, shapes and fp32 values, in the order of their names."""
    weights = sorted(network.get_encoder().state_dict().items())
    parts = ((f"{name} {tuple(tensor.shape)}\n".encode(), tensor) for name, tensor in weights)
    return sha256_of(piece for head, tensor in parts for piece in (head, tensor.float().cpu().numpy().tobytes()))


def sha256_of(pieces: Iterable[bytes]) -> str:
    """Hash pieces with their lengths, so that the cuts between them count."""
    whole = hashlib.sha256()
    for piece in pieces:
        whole.update(len(piece).to_bytes(8, "little"))
        whole.update(piece)
    return whole.hexdigest()


def _refuse_lengths(lengths: Rows, longest: int | None) -> None:
    if not len(lengths):
        raise DataError("there is no text to encode.")
    if not lengths.all():
        raise DataError(f"text {int(lengths.argmin())} has no tokens.", "End every text with the end-of-text token.")
    if longest is not None and lengths.max() > longest:
        raise DataError(
            f"text {int(lengths.argmax())} has {int(lengths.max())} tokens; the encoder reads {longest}.",
            "Leave out the longest reactions.",
        )


def _batches(lengths: Rows, tokens: int) -> Iterator[Rows]:
    """Yield row indices in batches of like length that hold at most so many tokens each, or a single row."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * lengths[order[end]] > tokens:
            yield order[start:end]
            start = end


@contextmanager
def _evaluating(module: "nn.Module") -> Iterator[None]:
    """Switch dropout off for a block and give every submodule its own mode back."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _encode(encoder: "nn.Module", rows: Sequence[Rows], device: "torch.device") -> Floats:
    """Return masked means [b, d] of one batch."""
    import torch

    widths = np.array([len(row) for row in rows])
    mask = np.arange(widths.max()) < widths[:, None]
    ids = np.full(mask.shape, PAD_ID, np.int64)
    ids[mask] = np.concatenate(rows)
    real = torch.from_numpy(mask).to(device)
    hidden = encoder(
        input_ids=torch.from_numpy(ids).to(device), attention_mask=real.long()
    ).last_hidden_state  # [b, s, d]
    means = (hidden.float() * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    vectors: Floats = means.cpu().numpy()
    return vectors
