"""How a foreign language model is asked: its card says what stands before, between and behind the molecules.

A card is a file ``prompt.toml`` beside the model's weights::

    [tasks.retrosynthesis]
    prompt = "Reactants:{products}"

``{reactants}``, ``{reagents}``, ``{products}`` and ``{precursors}`` (reactants, then reagents) stand for the molecules
that a question shows; the other keys say how molecules are joined and how answers are cleaned.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from retort.chem.reaction import Reaction
from retort.chem.tokens import tokenize_smiles
from retort.config import load, option
from retort.errors import ConfigError, did_you_mean
from retort.prompting.task import TASKS, Question

PROMPTS = "prompt.toml"
ROLES = ("reactants", "reagents", "products")
FIELDS = (*ROLES, "precursors")
Split = Literal["tokenizer", "characters", "atoms"]
_ARROW_HEAD = re.compile(r"(?<!-)>")


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """How one task is asked."""

    prompt: str = option(help="the text, with {reactants}, {reagents}, {products} or {precursors}")
    empty: str = option("", help="what stands for a role that has no molecules")


@dataclass(frozen=True, slots=True)
class PromptCard:
    """How a foreign language model is asked, and how its answers are read."""

    tasks: Mapping[str, TaskPrompt] = option(help="task name -> its prompt; the model answers these tasks")
    split: Split = option("tokenizer", help="how texts become tokens: the folder's tokenizer, characters or atoms")
    vocabulary: str | None = option(None, help="file of tokens, one a line in order, for characters and atoms")
    ended: bool = option(True, help="prompts end with the model's end token")
    separator: str = option(".", help="what stands between molecules, in prompts and answers")
    spaced: bool = option(False, help="SMILES tokens in prompts are separated by blanks")
    drop_spaces: bool = option(True, help="blanks in answers are dropped")
    until: str = option("", help="an answer ends before this text")
    strip: str = option("", help="characters that are dropped at both ends of an answer")

    def __post_init__(self) -> None:
        for name, task in self.tasks.items():
            if TASKS.get(name).answer_kind != "smiles":
                raise ConfigError(f"the answers of {name!r} are no molecules.", "Leave it out of the card.")
            for field in _fields(task.prompt):
                if field not in FIELDS:
                    raise ConfigError(f"the prompt of {name} has {{{field}}}.", did_you_mean(field, FIELDS))
        if not self.tasks:
            raise ConfigError("the card names no task.", "Add [tasks.NAME] with a prompt.")
        if (self.split == "tokenizer") != (self.vocabulary is None):
            raise ConfigError(
                f"split = {self.split!r} and vocabulary = {self.vocabulary!r} do not go together.",
                "Characters and atoms need a vocabulary; a tokenizer brings its own.",
            )

    @classmethod
    def load(cls, path: Path) -> "PromptCard":
        """Read a card; raises InputFileError and ConfigError as :func:`retort.config.load`."""
        return load(cls, path)

    def prompt(self, question: Question) -> str:
        """Return the text that the model reads.

        Raises:
            ConfigError: The card does not know the task.
        """
        if question.task not in self.tasks:
            raise ConfigError(f"the prompt card has no task {question.task!r}.", f"It has {', '.join(self.tasks)}.")
        asked = self.tasks[question.task]
        parts = dict(zip(_shown_roles(question.task), _ARROW_HEAD.split(question.given), strict=False))
        roles = {name: parts.get(name, "") for name in ROLES}
        roles["precursors"] = ".".join(filter(None, (roles["reactants"], roles["reagents"])))
        return asked.prompt.format_map({name: self._written(text) or asked.empty for name, text in roles.items()})

    def answer(self, text: str) -> str:
        """Return the SMILES in what the model said."""
        text = text.partition(self.until)[0] if self.until else text
        text = "".join(text.split()) if self.drop_spaces else text
        return text.strip().strip(self.strip or None).replace(self.separator.strip(), ".")

    def _written(self, molecules: str) -> str:
        parts = [" ".join(tokenize_smiles(part)) if self.spaced else part for part in molecules.split(".")]
        return self.separator.join(parts)


def _fields(prompt: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(prompt) if name is not None]
    except ValueError as error:
        raise ConfigError(f"{prompt!r} is no prompt: {error}.", "Write braces of the text twice.") from error


@lru_cache(maxsize=64)
def _shown_roles(task: str) -> tuple[str, ...]:
    """Return the roles that a question of a task shows, in order."""
    probe = Reaction(*((name,) for name in ROLES))
    return tuple(_ARROW_HEAD.split(TASKS.get(task).given(probe)))
