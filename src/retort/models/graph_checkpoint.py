"""Folders of graph encoders: weights and the card they were built by."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retort.config import build
from retort.errors import ModelError
from retort.models.checkpoint import read_card, replacing, write_card
from retort.models.graph_encoder import GraphEncoder, GraphEncoderConfig, build_graph_encoder
from retort.models.graph_weights import load_graph_weights

WEIGHTS, KIND = "graph_encoder.safetensors", "graph_encoder"


def save_graph_encoder(folder: Path, encoder: GraphEncoder, card: Mapping[str, Any]) -> None:
    """Write a folder that :func:`load_graph_encoder` reads, replacing an older one at once.

    Raises:
        OutputError: The disk is full or may not be written.
    """
    from safetensors.torch import save_file

    with replacing(folder) as temporary:
        save_file(encoder.state_dict(), temporary / WEIGHTS)
        write_card(temporary, {"kind": KIND, "graph_encoder": asdict(encoder.config), **card}, [WEIGHTS])


def load_graph_encoder(folder: Path) -> GraphEncoder:
    """Read a graph encoder, in evaluation mode.

    Raises:
        ModelError: The folder is absent, damaged or holds another kind of model.
    """
    card = read_card(folder)
    if card.get("kind") != KIND or "graph_encoder" not in card:
        raise ModelError(f"{str(folder)!r} is not a graph encoder.", "Train one: recipe = 'train_graph_encoder'.")
    encoder = build_graph_encoder(build(GraphEncoderConfig, card["graph_encoder"], str(folder)))
    load_graph_weights(encoder, folder / WEIGHTS)
    return encoder.eval()
