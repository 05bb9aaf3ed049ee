"""Rows with molecules as token ids: dialogues by a chat template, and running texts with molecules among the words.

Of a dialogue only the answers are learned; of a running text every word is. Molecules are never learned. A row holds
one :data:`MOLECULE_ID` for each molecule; how many tokens it becomes is the model's affair.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from retort.errors import DataError, ModelError
from retort.prompting.molecules import check_molecules, pieces
from retort.prompting.vocabulary import EOS, RESERVED, TEXT_CLOSE, TEXT_OPEN, Vocabulary

MOLECULE_ID = -1
Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Instructions and answers about molecules; ``molecules`` are those of all turns, in reading order."""

    turns: tuple[Turn, ...]
    molecules: tuple[str, ...] = ()
    id: str = "row"


@dataclass(frozen=True, slots=True)
class RunningText:
    """A text with molecules among its words, such as a procedure."""

    text: str
    molecules: tuple[str, ...] = ()
    id: str = "row"


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """A row as token ids.

    Attributes:
        ids: Token ids; ``MOLECULE_ID`` once for each molecule.
        learned: Whether each of them is a label.
        molecules: SMILES, one for each ``MOLECULE_ID``.
    """

    ids: tuple[int, ...]
    learned: tuple[bool, ...]
    molecules: tuple[str, ...] = ()

    def __add__(self, other: "EncodedRow") -> "EncodedRow":
        return EncodedRow(self.ids + other.ids, self.learned + other.learned, self.molecules + other.molecules)


class Tokens(Protocol):
    """What turns texts into ids: this package's vocabulary, or a foreign tokenizer."""

    @property
    def pad_id(self) -> int:
        """Id that fills rows up."""
        ...

    @property
    def eos_id(self) -> int:
        """Id that ends an answer."""
        ...

    def encode_piece(self, text: str, *, trusted: bool) -> list[int]:
        """Return the ids of a text, without begin or end; only a trusted one may hold a tokenizer's special tokens."""
        ...


@dataclass(frozen=True, slots=True)
class VocabularyTokens:
    """The vocabulary of this package as :class:`Tokens`."""

    vocabulary: Vocabulary

    @property
    def pad_id(self) -> int:
        """Id of ``<pad>``."""
        return self.vocabulary.pad_id

    @property
    def eos_id(self) -> int:
        """Id of ``</s>``."""
        return self.vocabulary.eos_id

    def encode_piece(self, text: str, *, trusted: bool) -> list[int]:
        """Return the ids of a text; only a trusted one may hold ``</s>``, which no text of a row can be."""
        if not trusted:
            return self._ids(text)
        first, *rest = (self._ids(part) for part in text.split(EOS))
        return first + [token for part in rest for token in (self.eos_id, *part)]

    def _ids(self, text: str) -> list[int]:
        return [self.vocabulary.ids[token] for token in self.vocabulary.tokenize(text)]


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """What stands around the turns of a dialogue; stored with every model that was trained with it.

    Attributes:
        begin: Before the first turn.
        before: Role -> what opens its turns.
        after: Role -> what closes its turns; that of the assistant is learned with the answer and ends decoding.
    """

    begin: str
    before: Mapping[str, str]
    after: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, marks in (("before", self.before), ("after", self.after)):
            if set(marks) != set(ROLES):
                raise ModelError(f"{name!r} of a chat template names {sorted(marks)}.", f"Name {', '.join(ROLES)}.")
        if not self.after["assistant"]:
            raise ModelError("a chat template must close the assistant's turns.", "Give its end-of-text token.")

    def save(self, path: Path) -> None:
        """Write the template as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "ChatTemplate":
        """Read a template.

        Raises:
            ModelError: The file is missing or damaged.
        """
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"cannot read the chat template {str(path)!r}: {error}.") from error


# For the vocabulary of this package: a role is one reserved token.
OWN_TEMPLATE = ChatTemplate(
    begin="",
    before=dict(zip(ROLES, RESERVED, strict=False)),
    after={"system": "", "user": "", "assistant": EOS},
)


def words_template(end: str, begin: str = "") -> ChatTemplate:
    """Return a template in plain words for a foreign tokenizer that has none of its own.

    Args:
        end: Its end-of-text token, which closes answers.
        begin: Its begin-of-text token, if it wants one.
    """
    return ChatTemplate(
        begin=begin,
        before={"system": "", "user": "Question: ", "assistant": "Answer: "},
        after={"system": "\n\n", "user": "\n", "assistant": end},
    )


def encode_dialogue(dialogue: Dialogue, template: ChatTemplate, tokens: Tokens) -> EncodedRow:
    """Return the ids of a dialogue; the assistant's words, and what closes them, are learned.

    Raises:
        DataError: Placeholders and molecules do not pair up, or an answer holds a placeholder.
        ChemistryError: Bare text that is not SMILES, with this package's vocabulary.
    """
    row = _marked(template.begin, tokens, learned=False)
    for turn in dialogue.turns:
        answer = turn.role == "assistant"
        said = _said(turn.content, tokens, learned=answer)
        if answer and MOLECULE_ID in said.ids:
            raise DataError(f"{dialogue.id}: an answer holds a placeholder.", "A model cannot write a graph.")
        row += _marked(template.before[turn.role], tokens, learned=False) + said
        row += _marked(template.after[turn.role], tokens, learned=answer)
    return _with_molecules(row, dialogue.molecules, dialogue.id)


def encode_question(dialogue: Dialogue, template: ChatTemplate, tokens: Tokens) -> EncodedRow:
    """Return the ids of a dialogue up to where the assistant is to speak; nothing is learned.

    Raises:
        DataError: As for :func:`encode_dialogue`, or the last turn is the assistant's.
    """
    if not dialogue.turns or dialogue.turns[-1].role == "assistant":
        raise DataError(f"{dialogue.id} has no question at its end.", "End a question with a turn of the user.")
    row = encode_dialogue(dialogue, template, tokens)
    row += _marked(template.before["assistant"], tokens, learned=False)
    return EncodedRow(row.ids, (False,) * len(row.ids), row.molecules)


def encode_running_text(row: RunningText, tokens: Tokens) -> EncodedRow:
    """Return the ids of a text in which every word is learned and no molecule is.

    Raises:
        DataError: Placeholders and molecules do not pair up.
        ChemistryError: Bare text that is not SMILES, with this package's vocabulary.
    """
    return _with_molecules(_said(row.text, tokens, learned=True), row.molecules, row.id)


def split_answer(row: EncodedRow) -> tuple[EncodedRow, EncodedRow]:
    """Cut an encoded dialogue before its last answer, for a model that reads and writes apart.

    Raises:
        DataError: It does not end in an answer.
    """
    start = len(row.ids)
    while start and row.learned[start - 1]:
        start -= 1
    if start in (0, len(row.ids)):
        raise DataError("a row without question or answer cannot be split.", "End it with a turn of the assistant.")
    return (
        EncodedRow(row.ids[:start], (False,) * start, row.molecules),
        EncodedRow(row.ids[start:], row.learned[start:]),
    )


def plain(text: str) -> str:
    """Return a text as a foreign tokenizer reads it: without the marks around words."""
    return text.replace(TEXT_OPEN, "").replace(TEXT_CLOSE, "")


def _marked(text: str, tokens: Tokens, *, learned: bool) -> EncodedRow:
    ids = tuple(tokens.encode_piece(text, trusted=True)) if text else ()
    return EncodedRow(ids, (learned,) * len(ids))


def _said(text: str, tokens: Tokens, *, learned: bool) -> EncodedRow:
    ids: list[int] = []
    for piece in pieces(text):
        ids += [MOLECULE_ID] if piece is None else tokens.encode_piece(piece, trusted=False)
    return EncodedRow(tuple(ids), tuple(learned and token != MOLECULE_ID for token in ids))


def _with_molecules(row: EncodedRow, molecules: Sequence[str], name: str) -> EncodedRow:
    check_molecules(name, row.ids.count(MOLECULE_ID), molecules)
    return EncodedRow(row.ids, row.learned, tuple(molecules))
