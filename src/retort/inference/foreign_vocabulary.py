"""Words of a foreign language model: its own tokens, its own prompts, behind the interface of our vocabulary.

An exported folder holds ``shared_vocabulary.json`` (all tokens, padding first, then the end), ``prompt.toml``, and
``tokenizer.json`` where the card says that texts are split by it. Needs the library tokenizers only there.
"""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError, ModelError
from retort.prompting.prompt_card import PROMPTS, PromptCard
from retort.prompting.vocabulary import EOS, PAD, UNKNOWN

TOKENS, TOKENIZER = "shared_vocabulary.json", "tokenizer.json"


class ForeignVocabulary:
    """The tokens of a foreign model, and how texts become tokens and tokens become answers.

    Args:
        card: How the model is asked.
        tokens: All tokens by id; padding is 0 and the end is 1.
        tokenizer: A ``tokenizers.Tokenizer``, where the card wants one.

    Raises:
        ModelError: The tokens do not begin with padding and end, or there is no token for the unknown.
    """

    pad_id = 0
    eos_id = 1

    def __init__(self, card: PromptCard, tokens: Sequence[str], tokenizer: Any = None) -> None:
        self.card, self.tokens, self._tokenizer = card, tuple(tokens), tokenizer
        if self.tokens[:2] != (PAD, EOS) or UNKNOWN not in self.ids:
            raise ModelError(f"the model's special tokens are not {PAD}, {EOS} and {UNKNOWN}.", "It cannot be asked.")

    @classmethod
    def load(cls, folder: Path) -> "ForeignVocabulary":
        """Read an exported folder.

        Raises:
            ModelError: A file is missing or damaged.
            ConfigError: The card does not fit its schema.
        """
        card = PromptCard.load(folder / PROMPTS)
        try:
            tokens = json.loads((folder / TOKENS).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read {str(folder / TOKENS)!r}: {error}.", "Export the model again.") from error
        return cls(card, tokens, read_tokenizer(folder) if card.split == "tokenizer" else None)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Token -> id."""
        return {token: i for i, token in enumerate(self.tokens)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, ended by ``</s>`` if the card says so; what is not known is ``<unk>``.

        Raises:
            ChemistryError: The text is not SMILES, where it is split into atoms.
        """
        unknown = self.ids[UNKNOWN]
        ids = [self.ids.get(token, unknown) for token in self._split(text)]
        return [*ids, self.eos_id] if self.card.ended else ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the answer in token ids up to the first ``</s>``."""
        ids = list(ids)
        ids = ids[: ids.index(self.eos_id)] if self.eos_id in ids else ids
        tokens = [self.tokens[i] for i in ids if i != self.pad_id]
        return self.card.answer(self._joined(tokens))

    def _joined(self, tokens: list[str]) -> str:
        if self._tokenizer is None:
            return "".join(tokens)
        places = (self._tokenizer.token_to_id(token) for token in tokens)
        return str(self._tokenizer.decode([place for place in places if place is not None], skip_special_tokens=False))

    def _split(self, text: str) -> list[str]:
        if self._tokenizer is not None:
            return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)
        tokens: list[str] = []
        for place, piece in enumerate(self._words.split(text)):  # odd places hold what the pattern matched
            tokens += [piece] if place % 2 else self._pieces(piece)
        return tokens

    def _pieces(self, text: str) -> list[str]:
        return list(text) if self.card.split == "characters" else tokenize_smiles(text)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        """Tokens such as ``Reactants:``, which are no characters and no atoms and are never split; longest first."""
        words = [token for token in self.tokens if len(token) > 1 and not self._is_piece(token)]
        return re.compile(f"({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})")

    def _is_piece(self, token: str) -> bool:
        if self.card.split == "characters":
            return False
        try:
            return tokenize_smiles(token) == [token]
        except ChemistryError:
            return False


def read_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder; raises ModelError where there is none that can be read."""
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"cannot read {str(folder / TOKENIZER)!r}: {error}.", "Export the model again.") from error
