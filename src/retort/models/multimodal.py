"""A language model that reads molecules: their tokens stand in the sequence of word embeddings.

The network is any Hugging Face language model; nothing of it is changed but what it is given to read. The k-th
placeholder of a batch is the k-th molecule, whatever the padding, because both are in reading order.

Legend: ``b`` rows, ``s`` places, ``t`` target tokens, ``w`` width of the language model, ``v`` vocabulary.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from retort.errors import DataError
from retort.models.molecule_reader import MoleculeReader, MoleculeReaderConfig
from retort.models.multimodal_batch import MultimodalBatch
from retort.models.protocol import IGNORED
from retort.models.seq2seq import shift_right
from retort.prompting.dialogue import MOLECULE_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class MultimodalModel(nn.Module):
    """A language model and the reader of molecules before it.

    Attributes:
        network: The Hugging Face model.
        reader: Encoders and projectors.
    """

    network: "PreTrainedModel"

    def __init__(self, network: "PreTrainedModel", reader: MoleculeReaderConfig) -> None:
        super().__init__()
        self.network = network
        self.reader = MoleculeReader(reader, network.get_input_embeddings().embedding_dim)

    def embed(self, batch: MultimodalBatch) -> Tensor:
        """Return the embeddings of words with the tokens of molecules in their places; [b, s, w].

        Raises:
            DataError: The molecules do not have as many tokens as there are places for them.
        """
        places = batch.ids == MOLECULE_ID
        words: Tensor = self.network.get_input_embeddings()(batch.ids.masked_fill(places, 0))
        tokens, _ = self.reader(batch.graphs)
        if len(tokens) != int(places.sum()):
            raise DataError(
                f"{len(batch.graphs)} molecules have {len(tokens)} tokens, but there are {int(places.sum())} places.",
                "Collate rows with the reader's own count of tokens.",
            )
        return words.masked_scatter(places[..., None], tokens.to(words.dtype))

    def logits(self, batch: MultimodalBatch) -> Tensor:
        """Return next-token logits; [b, s, v], or [b, t, v] for an encoder-decoder."""
        raise NotImplementedError

    def targets(self, batch: MultimodalBatch) -> Tensor:
        """Return what each position of :meth:`logits` should predict, -100 where nothing is learned."""
        raise NotImplementedError

    def forward(self, batch: MultimodalBatch) -> Tensor:
        """Return the mean cross-entropy of what is learned, in nats and fp32; 0 where a batch has nothing to learn."""
        targets = self.targets(batch).flatten()
        logits = self.logits(batch).float().flatten(0, 1)
        total = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        return total / (targets != IGNORED).sum().clamp(min=1)

    @torch.no_grad()
    def log_likelihoods(self, batch: MultimodalBatch) -> Tensor:
        """Return the summed log probability of what is learned of each row, in natural log; [b]."""
        logits = self.logits(batch).float().transpose(1, 2)
        losses = functional.cross_entropy(logits, self.targets(batch), ignore_index=IGNORED, reduction="none")
        return -losses.double().sum(1)

    @torch.no_grad()
    def generate(
        self, batch: MultimodalBatch, *, max_length: int, beam_size: int = 1, answers: int = 1
    ) -> list[list[int]]:
        """Return the ids of answers without what ends them; ``answers`` in a row belong to one question.

        Args:
            batch: Questions; for a language model that reads and writes one sequence padded on the left.
            max_length: Most tokens of an answer, its end included.
            beam_size: Width of the beam search; 1 is greedy.
            answers: Answers per question, at most ``beam_size``, best first.
        """
        card = self.network.generation_config
        card.max_length = None  # else the library warns that ours comes first
        output = self.network.generate(
            inputs_embeds=self.embed(batch),
            attention_mask=batch.mask,
            num_beams=beam_size,
            num_return_sequences=answers,
            max_new_tokens=max_length,
            length_penalty=1.0,
            do_sample=False,
            pad_token_id=self.network.config.pad_token_id,
            eos_token_id=self.network.config.eos_token_id,
        )
        return [self._answer(row) for row in output.tolist()]

    def _answer(self, row: list[int]) -> list[int]:
        end = self.network.config.eos_token_id
        ends = {end} if isinstance(end, int) else set(end or ())
        return row[: next((place for place, token in enumerate(row) if token in ends), len(row))]


class MultimodalSeq2Seq(MultimodalModel):
    """An encoder-decoder, such as T5, whose encoder reads words and molecules."""

    def logits(self, batch: MultimodalBatch) -> Tensor:
        """Return teacher-forced logits of the answers; [b, t, v]."""
        output = self.network(
            inputs_embeds=self.embed(batch),
            attention_mask=batch.mask,
            decoder_input_ids=shift_right(batch.labels),
            use_cache=False,
        )
        logits: Tensor = output.logits
        return logits

    def targets(self, batch: MultimodalBatch) -> Tensor:
        """Return the answers; [b, t]."""
        return batch.labels

    def _answer(self, row: list[int]) -> list[int]:
        return super()._answer(row[1:])  # the first token is the decoder's start
