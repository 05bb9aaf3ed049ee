"""What a task is: how a reaction or a molecule becomes a prompt and a target, and how an answer is read back.

A task is one file of ``tasks/`` that binds ``TASK``. Prompts are compact: task token, optional condition tokens,
SMILES. SMILES stands bare in a prompt and text stands between ``<text>`` and ``</text>``, so the letter C is never
the atom C. A prompt never holds anything of its target; the functions below see the roles they name and no other.

Question and answer may each be a role of the reaction or a label of the record. A molecule with a text about it is a
reaction that has a product alone, and the text is a label: asked, it is ``query_label``; answered, ``label``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from retort.chem.reaction import Reaction
from retort.errors import ChemistryError
from retort.prompting.candidates import LEAST, split_candidates, with_candidates
from retort.prompting.vocabulary import TEXT_CLOSE, as_text
from retort.registry import Registry

QueryKind = Literal["molecules", "reaction", "text"]
AnswerKind = Literal["smiles", "text", "value"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked.

    Attributes:
        task: Name of the task.
        given: The query's SMILES in the order in which they stand in the prompt, ``>`` separating roles; or words
            between the marks of text.
        reaction_class: Curated class 1-10 where it is known and the task can use it.
        reaction_types: The elicited type, where one is told; several where shares are told (see
            :func:`retort.prompting.reaction_types.in_parts`).
    """

    task: str
    given: str
    reaction_class: int | None = None
    reaction_types: tuple[int, ...] = ()

    @property
    def prompt(self) -> str:
        """The compact rendering, e.g. ``<retrosynthesis><class_2>CC(=O)NC``."""
        condition = f"<class_{self.reaction_class}>" if self.reaction_class is not None else ""
        elicited = "".join(f"<type_{label}>" for label in self.reaction_types)
        return f"<{self.task}>{condition}{elicited}{self.given}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that could not be read, and why."""

    reason: str


def _in_no_role(_: Reaction) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Task:
    """A prediction task.

    Attributes:
        name: Name of the file, and of the token that opens the prompt.
        summary: One line for lists and help.
        query_kind: Whether a query is molecules joined by ``.``, a reaction with ``>``, or a text in plain words.
        query_help: What a query looks like, with an example after ``e.g.``, in quotes where it has blanks.
        given: The part of a reaction that the prompt may show, as text (role order fixed, spelling untouched); empty
            where a text is asked.
        wanted: The part of a reaction that is asked for, as text; empty where the reaction does not tell.
        answer_kind: Which key of a candidate holds the answer: ``smiles``, ``text`` (a name or class) or ``value``.
        query_label: Field of a record that holds the question, where it is a text.
        label: Field of a record that holds the answer, where no role of its reaction does.
        of_molecules: A record of it is a molecule with a text about it, not a reaction.
        tells_formula: Every answer comes with the molecular formula, which is counted, not learned.
        choices: Label as the data have it -> text of the answer, where there are no others; empty for free text.
        slots: Names of the parts of a text answer, which ``>`` separates; empty where it is one text.
        bounds: Least and greatest value of an answer that is a number.
        unit: Of an answer that is a number.
        needs_roles: Whether reactants must be told from reagents before it can be asked.
        recurring: Whether different questions share molecules of their answers as a matter of course, as with reagents.
        aliases: Short names on the command line.
        uses_class: Whether a known reaction class may stand in the prompt.
        ranked_by: Name of the task whose numbers rank the candidates that a query goes on with (see
            :mod:`retort.prompting.candidates`); empty where a query has none.
    """

    name: str
    summary: str
    query_kind: QueryKind
    query_help: str
    given: Callable[[Reaction], str] = _in_no_role
    wanted: Callable[[Reaction], str] = _in_no_role
    answer_kind: AnswerKind = "smiles"
    query_label: str = ""
    label: str = ""
    of_molecules: bool = False
    tells_formula: bool = False
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    slots: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)
    unit: str = ""
    needs_roles: bool = True
    recurring: bool = False
    aliases: tuple[str, ...] = ()
    uses_class: bool = False
    ranked_by: str = ""

    @property
    def free_text(self) -> bool:
        """Whether an answer is a text of any wording, not one of several choices and not molecules in slots."""
        return self.answer_kind == "text" and not self.choices and not self.slots

    @property
    def example(self) -> str:
        """The example of ``query_help``."""
        text = self.query_help.partition("e.g. ")[2]
        return text[1:].partition("'")[0] if text.startswith("'") else text.partition(" ")[0].rstrip(".,")

    def read_query(self, query: str) -> str:
        """Check the form of a query and return the text that stands in the prompt.

        Raises:
            ChemistryError: The query is empty or of the wrong kind; the message says what was expected.
        """
        query = query.strip()
        if not query:
            raise ChemistryError("the query is empty.", self.query_help)
        if self.query_kind == "text":
            return self._from_words(query)
        if self.ranked_by:
            return self._with_candidates(query)
        if ">" not in query.replace("->", ""):
            if self.query_kind == "reaction":
                raise ChemistryError(f"{query!r} is not a reaction.", self.query_help)
            return self.given(self._from_molecules(query))
        text = self.given(Reaction.parse(query))
        if not text.strip(">."):
            raise ChemistryError(f"{query!r} lacks what {self.name} starts from.", self.query_help)
        return text

    def _from_words(self, query: str) -> str:
        if not any(map(str.isalnum, query)) or TEXT_CLOSE in query:
            raise ChemistryError(f"{query!r} cannot be read as words.", self.query_help)
        if ">" in query.replace("->", ""):
            raise ChemistryError(f"{query!r} is a reaction, not words.", self.query_help)
        if any("\ud800" <= character <= "\udfff" for character in query):
            raise ChemistryError(f"{query!r} is not valid Unicode text.", self.query_help)
        return as_text(query)

    def _with_candidates(self, query: str) -> str:
        """Read a reaction and the candidates behind it."""
        reaction, candidates = split_candidates(query)
        given = self.given(Reaction.parse(reaction))
        if not given:
            raise ChemistryError(f"{reaction!r} lacks what {self.name} starts from.", self.query_help)
        if len(candidates) < LEAST:
            raise ChemistryError(f"a list of {len(candidates)} leaves nothing to choose.", self.query_help)
        if not all(candidates):
            raise ChemistryError(f"candidate {candidates.index('') + 1} is empty.", self.query_help)
        return with_candidates(given, candidates)

    def _from_molecules(self, query: str) -> Reaction:
        """Place bare molecules into the role this task starts from: whichever role its ``given`` shows."""
        molecules = tuple(query.split("."))
        as_product = Reaction((), (), molecules)
        return as_product if self.given(as_product) else Reaction(molecules, (), ())


TASKS: Registry[Task] = Registry("task", "retort.prompting.tasks", "TASK")
