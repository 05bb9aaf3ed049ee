"""Published weights of graph encoders: read whole and without surprise, or refused with the names that do not fit."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from retort.errors import ModelError
from retort.models.graph_encoder import GraphEncoder

_PREFIX = "molecule_node_model."  # MoleculeSTM keeps the encoder inside a predictor
_PREDICTOR = "graph_pred_linear."  # whose head no graph encoder needs
_CHIRALITY = "atom_encoder.atom_embedding_list.1.weight"  # later versions of OGB have one row more, "misc"


def load_graph_weights(encoder: GraphEncoder, path: Path) -> None:
    """Give an encoder, in place, the weights of a ``.pth``, ``.pt``, ``.bin`` or ``.safetensors`` file.

    The prefix and the head of MoleculeSTM's file are known. Nothing else may be missing, left over or of another size.

    Raises:
        ModelError: The file cannot be read, or is not of this family and size.
    """
    own = encoder.state_dict()
    stored = _stripped(read_tensors(path))
    if _CHIRALITY in own and _CHIRALITY in stored:
        stored[_CHIRALITY] = stored[_CHIRALITY][: len(own[_CHIRALITY])]
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # absent from some old files
    missing = own.keys() - stored.keys() - counters
    left_over = stored.keys() - own.keys()
    sizes = {name for name in own.keys() & stored.keys() if own[name].shape != stored[name].shape}
    _refuse(path, encoder, {"is missing": missing, "is unknown": left_over, "has another size": sizes})
    encoder.load_state_dict({**{name: own[name] for name in counters}, **stored})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name; nothing in the file is executed.

    Raises:
        ModelError: The file is absent, damaged, or holds anything but tensors.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip, torch and safetensors raise many kinds for a damaged file
        raise ModelError(f"cannot read weights from {str(path)!r}: {error}") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(f"{str(path)!r} does not hold a plain table of tensors.", "Save the model's state_dict alone.")
    return {str(name): tensor for name, tensor in content.items()}


def _stripped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    inside = any(name.startswith(_PREFIX) for name in tensors)
    kept = {name: tensor for name, tensor in tensors.items() if not (inside and name.startswith(_PREDICTOR))}
    return {name.removeprefix(_PREFIX): tensor for name, tensor in kept.items()}


def _refuse(path: Path, encoder: GraphEncoder, wrong: Mapping[str, set[str]]) -> None:
    for what, names in wrong.items():
        if names:
            card = encoder.config
            raise ModelError(
                f"{str(path)!r} does not fit {card.family} of {card.layers} layers and width {card.width}: "
                f"{min(names)} {what}, one of {len(names)}.",
                "Set the graph encoder's family, layers and width to those of the file.",
            )
