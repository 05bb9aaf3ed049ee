"""Texts continued by a causal language model: greedy or by chance, in batches that change no answer.

Prompts of a batch are padded on the left and positions are counted from the first token of each, so that a row sees the
same in any batch. Chance is drawn for each row from its own generator, seeded by the run and the number of the row; so
the same rows get the same answers in another batch, in another order, or after an interruption. Logits of one row may
differ between batches in their last bits, as sums of floats do.

Legend: ``b`` rows, ``s`` places, ``v`` vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from retort.errors import ModelError
from retort.models.device import autocast, pick_device
from retort.models.generation_settings import Decoding
from retort.models.tokenizer import ForeignTokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Continuation:
    """What followed a prompt.

    Attributes:
        tokens: Ids without the token that ended it.
        score: Mean natural-log probability of its tokens, the end included where it was reached.
    """

    tokens: tuple[int, ...]
    score: float


class TextModel:
    """A language model with its tokenizer.

    Args:
        network: A causal network of Hugging Face.
        tokens: Its tokenizer.
        decoding: How texts are continued.
    """

    def __init__(self, network: "PreTrainedModel", tokens: ForeignTokens, decoding: Decoding) -> None:
        self._device = pick_device(decoding.device)
        self._network = network.to(self._device).eval()
        self._tokens = tokens
        self._decoding = decoding
        self._ends = frozenset({tokens.eos_id, *_listed(network.generation_config)})

    @torch.no_grad()
    def continued(self, prompts: Sequence[Sequence[int]], rows: Sequence[int]) -> list[Continuation]:
        """Return what follows each prompt.

        Args:
            prompts: Token ids, none empty; one batch.
            rows: Number of each row in its file, which seeds its draws.
        """
        step, mask = self._padded(prompts)
        generators = [_generator(self._decoding.seed, row) for row in rows]
        found: list[list[int]] = [[] for _ in prompts]
        totals, open_rows, cache = torch.zeros(len(prompts), dtype=torch.float64), [True] * len(prompts), None
        for _ in range(self._decoding.max_new_tokens):
            log_p, cache = self._log_probabilities(step, mask, cache)
            chosen = self._chosen(log_p, generators)
            for row, token in enumerate(chosen):
                if open_rows[row]:
                    found[row].append(token)
                    totals[row] += log_p[row, token]
                    open_rows[row] = token not in self._ends
            if not any(open_rows):
                break
            step = torch.tensor(chosen, device=self._device)[:, None]
            mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
        return [self._closed(tokens, float(total)) for tokens, total in zip(found, totals, strict=True)]

    def _log_probabilities(self, step: Tensor, mask: Tensor, cache: object) -> tuple[Tensor, object]:
        """Return log-probabilities of the next token [b, v], float64 on the CPU, and the keys and values so far."""
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -step.shape[1] :]
        with autocast(self._device, self._decoding.precision):
            output = self._network(
                input_ids=step,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1].double().log_softmax(-1).cpu(), output.past_key_values

    def _chosen(self, log_p: Tensor, generators: Sequence[torch.Generator]) -> list[int]:
        if self._decoding.greedy:
            likeliest: list[int] = log_p.argmax(-1).tolist()
            return likeliest
        pairs = zip(log_p, generators, strict=True)
        return [_drawn(row / self._decoding.temperature, self._decoding.top_p, own) for row, own in pairs]

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return ids and mask [b, s], padded on the left."""
        width = max(map(len, prompts))
        ids = [[self._tokens.pad_id] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        seen = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return torch.tensor(ids, device=self._device), torch.tensor(seen, device=self._device)

    def _closed(self, tokens: list[int], total: float) -> Continuation:
        said = tokens[:-1] if tokens[-1] in self._ends else tokens
        return Continuation(tuple(said), total / len(tokens))


class PromptTokens:
    """Prompts in the tokens of a model: as one turn of a chat where its tokenizer has a template, else as they are."""

    def __init__(self, tokens: ForeignTokens) -> None:
        self.tokens = tokens

    @property
    def chat(self) -> bool:
        """Whether there is a chat template."""
        return self.tokens.tokenizer.chat_template is not None

    def encode(self, text: str) -> list[int]:
        """Return the ids of a prompt, with the begin that the tokenizer puts before texts and without an end."""
        tokenizer = self.tokens.tokenizer
        if self.chat:
            turn = [{"role": "user", "content": text}]
            text = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
        ids = [int(token) for token in tokenizer(text, add_special_tokens=not self.chat)["input_ids"]]
        return ids[:-1] if ids[-1:] == [self.tokens.eos_id] else ids

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of an answer, without special tokens and white space at its ends."""
        return str(self.tokens.tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()


def longest_prompt(folder: Path, decoding: Decoding) -> int:
    """Return how many tokens a prompt may have, so that an answer still fits.

    Raises:
        ModelError: The folder has no settings, the model does not say how long its sequences may be, or they are too
            short for the answer.
    """
    if decoding.max_prompt_tokens is not None:
        return decoding.max_prompt_tokens
    from transformers import AutoConfig

    try:
        positions = AutoConfig.from_pretrained(folder, local_files_only=True).max_position_embeddings
    except Exception as error:  # transformers raises many kinds for a damaged folder
        raise ModelError(
            f"{str(folder)!r} does not say how long sequences may be: {error}.", "Set max_prompt_tokens."
        ) from error
    if positions <= decoding.max_new_tokens:
        raise ModelError(
            f"answers of {decoding.max_new_tokens} tokens leave no place for a prompt: sequences have {positions}.",
            "Set a smaller max_new_tokens.",
        )
    return int(positions) - decoding.max_new_tokens


def _drawn(logits: Tensor, top_p: float, generator: torch.Generator) -> int:
    """Draw a token among the likeliest that reach ``top_p`` together."""
    likely, order = logits.softmax(-1).sort(descending=True, stable=True)
    kept = likely.cumsum(0) - likely < top_p
    place = torch.multinomial(likely * kept, 1, generator=generator)
    return int(order[place])


def _generator(seed: int, row: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * 1_000_003 + row) % 2**63)


def _listed(settings: object) -> list[int]:
    """Return the tokens that end an answer, as the model's own settings name them."""
    ends = getattr(settings, "eos_token_id", None)
    return [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
