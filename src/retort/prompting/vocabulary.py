"""One vocabulary for every task: SMILES atoms, text bytes and special tokens, encoded without loss.

Bare text is SMILES and is split by atom; text between ``<text>`` and ``</text>`` is split into bytes; known special
tokens such as ``<retrosynthesis>`` stand for themselves. A SMILES token that is not in the vocabulary (a rare bracket
atom) is spelled in bytes, so nothing is ever unknown. No RDKit here.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError, ModelError

PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"
TEXT_OPEN, TEXT_CLOSE = "<text>", "</text>"
SELFIES = "<selfies>"  # opens an answer whose molecules are SELFIES; a symbol is a token like a bracket atom
SENTINELS = tuple(f"<extra_id_{i}>" for i in range(100))
BYTES = tuple(f"<0x{i:02X}>" for i in range(256))
CLASSES = tuple(f"<class_{i}>" for i in range(1, 11))
TYPES = tuple(f"<type_{i}>" for i in range(64))
# Fixed, so that weights stay valid when a task's file arrives later.
_FIRST_TASKS = tuple(
    f"<{name}>"
    for name in (
        "forward_prediction",
        "retrosynthesis",
        "reagent_prediction",
        "catalyst_prediction",
        "solvent_prediction",
        "condition_recommendation",
        "reagent_selection",
        "reaction_classification",
        "yield_prediction",
        "name_conversion",
        "molecule_captioning",
        "text_to_molecule",
    )
)
# Each in the place of a spare token, so that no other id moves: what comes next stands in front.
_LATER = ("<molecule_naming>", "<temperature_prediction>", SELFIES, "<template_classification>")
_LATER_TASKS = tuple(token for token in _LATER if token != SELFIES)
TASK_TOKENS = (*_FIRST_TASKS, *_LATER_TASKS)
RESERVED = tuple(f"<reserved_{i}>" for i in range(32 - len(_LATER)))
_TOLD = (*_FIRST_TASKS, *CLASSES, *TYPES, *RESERVED, *_LATER)
SPECIAL = (PAD, EOS, UNKNOWN, TEXT_OPEN, TEXT_CLOSE, *_TOLD, *SENTINELS)
ALPHABET = (
    *("B", "C", "N", "O", "P", "S", "F", "I", "Br", "Cl", "b", "c", "n", "o", "p", "s"),
    *("=", "#", "$", ":", "/", "\\", ".", "(", ")", "+", "-", "~", ">", "*", "@", "?", "->", "<-"),
    *(str(i) for i in range(10)),
    *(f"%{i}" for i in range(10, 40)),
)
# Padding, end and unknown are for models, never for texts: written out, they are not SMILES.
_WRITABLE = "|".join(map(re.escape, sorted(set(SPECIAL) - {PAD, EOS, UNKNOWN}, key=len, reverse=True)))
_MARKED = re.compile(rf"({TEXT_OPEN}.*?(?:{TEXT_CLOSE}|\Z)|{_WRITABLE})", re.DOTALL)
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def as_text(words: str) -> str:
    """Stand words between the marks of text, on one line; a closing mark among them is dropped."""
    return f"{TEXT_OPEN}{' '.join(words.replace(TEXT_CLOSE, ' ').split())}{TEXT_CLOSE}"


def is_text(given: str) -> bool:
    """Tell a question in words from one in SMILES."""
    return given.startswith(TEXT_OPEN)


def words_of(given: str) -> str:
    """Return what stands between the marks of text; SMILES as they are."""
    return given.removeprefix(TEXT_OPEN).removesuffix(TEXT_CLOSE)


@dataclass(frozen=True)
class Vocabulary:
    """An ordered, closed set of tokens; a token's id is its place."""

    tokens: tuple[str, ...]

    pad_id = 0
    eos_id = 1

    @classmethod
    def build(cls, smiles: Iterable[str], *, min_count: int = 3, multiple_of: int = 64) -> "Vocabulary":
        """Build from the SMILES of *train* rows: fixed tokens first, then bracket atoms by falling count.

        Args:
            smiles: Texts whose bracket atoms are counted.
            min_count: A bracket atom seen less often is spelled in bytes.
            multiple_of: The size is rounded up with unused ``<reserved_n>`` tokens for aligned matrix shapes.
        """
        counts = Counter(token for text in smiles for token in tokenize_smiles(text) if token.startswith("["))
        frequent = [token for token, n in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])) if n >= min_count]
        tokens = [*SPECIAL, *BYTES, *ALPHABET, *frequent]
        tokens += [f"<reserved_{len(RESERVED) + i}>" for i in range(-len(tokens) % multiple_of)]
        return cls(tuple(tokens))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Token -> id."""
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def sha256(self) -> str:
        """Checksum of the token list, kept with every artefact that depends on it."""
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()

    def tokenize(self, text: str) -> list[str]:
        """Split a prompt or target into tokens of this vocabulary (no end token).

        Raises:
            ChemistryError: Bare text that is not SMILES.
            ModelError: A special token that this vocabulary lacks.
        """
        tokens: list[str] = []
        for i, piece in enumerate(_MARKED.split(text)):  # odd places hold what the pattern matched
            if i % 2 == 0:
                tokens += self._smiles(piece)
            elif piece.startswith(TEXT_OPEN):
                tokens += self._span(piece)
            elif piece in self.ids:
                tokens.append(piece)
            else:
                raise ModelError(f"this vocabulary has no token {piece}.", "Use a model trained with it.")
        return tokens

    def encode(self, text: str) -> list[int]:
        """Return the ids of a prompt or target, ended by ``</s>``.

        Raises:
            ChemistryError: Bare text that is not SMILES.
        """
        return [self.ids[token] for token in self.tokenize(text)] + [self.eos_id]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids up to the first ``</s>``; padding is dropped."""
        ids = list(ids)
        ids = ids[: ids.index(self.eos_id)] if self.eos_id in ids else ids
        return self.join([self.tokens[i] for i in ids if i != self.pad_id])

    @staticmethod
    def join(tokens: Sequence[str]) -> str:
        """Join tokens into text; runs of byte tokens become characters (damaged ones become U+FFFD)."""
        pieces: list[str] = []
        run = bytearray()
        for token in tokens:
            match = _BYTE.fullmatch(token)
            if match:
                run.append(int(match.group(1), 16))
                continue
            pieces.append(run.decode("utf-8", errors="replace"))
            run.clear()
            pieces.append(token)
        return "".join([*pieces, run.decode("utf-8", errors="replace")])

    def save(self, path: Path) -> None:
        """Write the token list as JSON."""
        path.write_text(json.dumps({"version": 1, "tokens": self.tokens}, ensure_ascii=False, indent=0), "utf-8")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a token list.

        Raises:
            ModelError: The file is missing or damaged.
        """
        try:
            tokens = tuple(str(token) for token in json.loads(path.read_text("utf-8"))["tokens"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"cannot read the vocabulary {str(path)!r}: {error}.") from error
        if tokens[:2] != (PAD, EOS) or len(set(tokens)) != len(tokens):
            raise ModelError(f"{str(path)!r} is not a vocabulary of this package.", f"It must open with {PAD}, {EOS}.")
        return cls(tokens)

    def _smiles(self, text: str) -> list[str]:
        tokens: list[str] = []
        for token in tokenize_smiles(text):
            tokens += [token] if token in self.ids else self._bytes(token)
        return tokens

    @classmethod
    def _span(cls, text: str) -> list[str]:
        """Tokens of ``<text>...</text>``; inside, nothing but the closing mark is special."""
        inner = text.removeprefix(TEXT_OPEN)
        content = inner.removesuffix(TEXT_CLOSE)
        return [TEXT_OPEN, *cls._bytes(content), *([TEXT_CLOSE] if content != inner else [])]

    @staticmethod
    def _bytes(text: str) -> list[str]:
        try:
            return [BYTES[b] for b in text.encode()]
        except UnicodeEncodeError as error:
            raise ChemistryError(f"{text!r} is not valid Unicode text.") from error
