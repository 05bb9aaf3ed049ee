"""Continue a model with a larger vocabulary: known tokens keep their embeddings, new ones start as the mean."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from retort.errors import ModelError
from retort.prompting.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SPARE = re.compile(r"<reserved_\d+>")  # tokens that no text holds; they fill a vocabulary up to a round size


@dataclass(frozen=True, slots=True)
class Extension:
    """What became of a vocabulary.

    Attributes:
        copied: Tokens whose embeddings were kept.
        new: Tokens that start as the mean of the old embeddings.
    """

    copied: int
    new: int


@torch.no_grad()
def extend_vocabulary(network: "PreTrainedModel", old: Vocabulary, new: Vocabulary) -> Extension:
    """Give a network, in place, the embeddings of another vocabulary that has all tokens of its own.

    Spare tokens may be missing from the new one. A head of its own, where there is one, is treated likewise.

    Raises:
        ModelError: A token of the old vocabulary is not in the new one.
    """
    lost = [token for token in old.tokens if token not in new.ids and not _SPARE.fullmatch(token)]
    if lost:
        raise ModelError(
            f"{len(lost)} tokens of the start model, among them {lost[0]}, are not in the vocabulary of the data.",
            "Prepare the data with `vocabulary` set to the start model's vocabulary.json.",
        )
    parts = (network.get_input_embeddings(), network.get_output_embeddings())
    before = [part.weight.detach().clone() for part in parts]
    network.resize_token_embeddings(len(new), mean_resizing=False)
    places = torch.tensor([old.ids.get(token, -1) for token in new.tokens])
    for part, weight in zip((network.get_input_embeddings(), network.get_output_embeddings()), before, strict=True):
        mean = weight[: len(old)].mean(0, keepdim=True)
        part.weight.copy_(torch.where((places >= 0)[:, None], weight[places.clamp(min=0)], mean))
    copied = int((places >= 0).sum())
    return Extension(copied, len(new) - copied)
