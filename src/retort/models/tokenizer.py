"""Foreign tokenizers: those of Hugging Face, as the rows of this package need them."""

from pathlib import Path
from typing import TYPE_CHECKING

from retort.errors import DataError, ModelError
from retort.prompting.dialogue import plain

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ForeignTokens:
    """A Hugging Face tokenizer as :class:`retort.prompting.dialogue.Tokens`.

    Words and SMILES are one text to it. What a row says is split without special tokens, so that no row can end an
    answer or open a turn; what a template says may hold them.

    Raises:
        ModelError: The tokenizer has no end-of-text token.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        if tokenizer.eos_token_id is None:
            raise ModelError("the tokenizer has no end-of-text token.", "Set its eos_token.")
        self.tokenizer = tokenizer

    @property
    def eos_id(self) -> int:
        """Id of the end-of-text token."""
        return int(self.tokenizer.eos_token_id)

    @property
    def pad_id(self) -> int:
        """Id of the padding token; of the end-of-text token where there is none, for padding is masked by place."""
        pad = self.tokenizer.pad_token_id
        return self.eos_id if pad is None else int(pad)

    def encode_piece(self, text: str, *, trusted: bool) -> list[int]:
        """Return the ids of a text, without begin or end; only a trusted one may hold special tokens.

        Raises:
            DataError: Another one holds the end of an answer or padding, however it is split.
        """
        found = self.tokenizer(plain(text), add_special_tokens=False, split_special_tokens=not trusted)
        ids = [int(token) for token in found["input_ids"]]
        if not trusted and {self.eos_id, self.pad_id} & set(ids):
            raise DataError(f"{text!r} holds the tokenizer's own token for the end or for padding.", "Change the row.")
        return ids

    def save(self, folder: Path) -> None:
        """Write the tokenizer's own files."""
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> "ForeignTokens":
        """Read a local folder.

        Raises:
            ModelError: There is no tokenizer in it.
        """
        from transformers import AutoTokenizer

        try:
            return cls(AutoTokenizer.from_pretrained(folder, local_files_only=True))
        except Exception as error:  # transformers and tokenizers raise many kinds for a damaged folder
            raise ModelError(f"cannot read a tokenizer from {str(folder)!r}: {error}.") from error
