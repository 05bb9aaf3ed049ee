"""What an instruction template is: one wording of a task, alone or with the reaction type at its end.

The wordings of this package are one file per task in ``templates/``, each binding ``TEXTS``; another library is made
from the instructions that a data set carries. A :class:`Library` knows the task of each of its templates, so that a
template is always looked up among those of the row's own task and never by a number that means another list.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from retort.errors import DataError, OutputError
from retort.prompting.vocabulary import TEXT_CLOSE
from retort.registry import Registry

LEAD_INS = (
    "Its reaction type is",
    "Answer in the knowledge that the reaction type is",
    "Take into account that the reaction is of type",
    "How would you answer if the reaction type were",
)
OWN = "own"
FORMAT = "retort-instructions"

TEMPLATES: Registry[tuple[str, ...]] = Registry("template", "retort.prompting.templates", "TEXTS")


@dataclass(frozen=True, slots=True)
class Template:
    """One wording of one task.

    Attributes:
        task: Name of the task.
        text: The instruction alone, one or more sentences.
        lead_in: The words between the instruction and a reaction type; the type closes the sentence, without a stop.
    """

    task: str
    text: str
    lead_in: str = LEAD_INS[0]

    @property
    def with_lead_in(self) -> str:
        """The with-type form before the type is known: what is embedded to compare templates with inputs."""
        return f"{self.text} {self.lead_in}"

    def with_type(self, shown: str) -> str:
        """Return the with-type form; ``shown`` is the number or name of the type."""
        return f"{self.with_lead_in} {shown}"


@dataclass(frozen=True)
class Library:
    """An ordered pool of templates, of one task or of several.

    Attributes:
        name: Where the wordings come from, for reports.
        templates: No two of one task have the same text.

    Raises:
        DataError: It is empty, a text is empty, repeated, or holds the mark that closes text in a prompt.
    """

    name: str
    templates: tuple[Template, ...]

    def __post_init__(self) -> None:
        if not self.templates:
            raise DataError(f"the instruction library {self.name!r} is empty.", "Give rows that have instructions.")
        seen: set[tuple[str, str]] = set()
        for template in self.templates:
            if not template.text.strip() or TEXT_CLOSE in template.with_lead_in:
                raise DataError(f"{template.text!r} cannot be an instruction of {template.task!r}.")
            if (template.task, template.text) in seen:
                raise DataError(f"{template.text!r} stands twice among the instructions of {template.task!r}.")
            seen.add((template.task, template.text))

    @classmethod
    def from_texts(cls, name: str, task: str, texts: Sequence[str]) -> Self:
        """Make the library of one task; the four lead-ins take turns."""
        return cls(name, tuple(Template(task, text, LEAD_INS[i % len(LEAD_INS)]) for i, text in enumerate(texts)))

    @classmethod
    def from_rows(cls, name: str, rows: Iterable[tuple[str, str]]) -> "Library":
        """Make a library from the ``(task, instruction)`` pairs of a data set.

        The distinct texts of every task are sorted, so that the order of the rows does not matter; runs of white space
        count as one blank and a row without an instruction adds nothing.

        Raises:
            DataError: There is no row, or a task occurs whose rows have no instruction.
        """
        texts: dict[str, set[str]] = {}
        for task, instruction in rows:
            texts.setdefault(task, set()).update(filter(None, [" ".join(instruction.split())]))
        silent = [task for task, found in texts.items() if not found]
        if silent:
            raise DataError(f"no row of task {silent[0]!r} has an instruction.", _ANOTHER_LIBRARY)
        return cls.joined(name, [cls.from_texts(name, task, sorted(texts[task])) for task in sorted(texts)])

    @classmethod
    def joined(cls, name: str, libraries: Iterable["Library"]) -> Self:
        """Pool several libraries in their order; of templates with one task and text, the first stays."""
        pool: dict[tuple[str, str], Template] = {}
        for library in libraries:
            for template in library.templates:
                pool.setdefault((template.task, template.text), template)
        return cls(name, tuple(pool.values()))

    def save(self, path: Path) -> None:
        """Write the library as JSON; raises OutputError where it cannot be written."""
        content = {"format": FORMAT, "name": self.name, "templates": [asdict(template) for template in self.templates]}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path) -> "Library":
        """Read a library that :meth:`save` wrote; raises DataError where it is missing or damaged."""
        try:
            content = json.loads(path.read_text("utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']!r}, not {FORMAT!r}")
            templates = tuple(Template(**values) for values in content["templates"])
            return cls(content["name"], templates)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{str(path)!r} is no library of instructions: {error}.", _WRITE_ONE) from error

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have templates, in the order of their first."""
        return tuple(self._places)

    def places(self, task: str) -> tuple[int, ...]:
        """Return where in ``templates`` those of a task stand.

        Raises:
            DataError: The task has none.
        """
        if task not in self._places:
            known = ", ".join(self.tasks)
            raise DataError(f"task {task!r} has no instructions in the library {self.name!r} ({known}).", _ADD_A_FILE)
        return self._places[task]

    def of(self, task: str) -> tuple[Template, ...]:
        """Return the templates of a task; raises as :meth:`places`."""
        return tuple(self.templates[place] for place in self.places(task))

    def only(self, *tasks: str) -> "Library":
        """Return the part of some tasks; raises as :meth:`places`."""
        return Library(self.name, tuple(template for task in dict.fromkeys(tasks) for template in self.of(task)))

    @cached_property
    def _places(self) -> dict[str, tuple[int, ...]]:
        places: dict[str, list[int]] = {}
        for place, template in enumerate(self.templates):
            places.setdefault(template.task, []).append(place)
        return {task: tuple(found) for task, found in places.items()}


def own_library() -> Library:
    """Return the wordings of this package, and those that other distributions register."""
    parts = [Library.from_texts(OWN, task, TEMPLATES.get(task)) for task in TEMPLATES.names()]
    return Library.joined(OWN, parts)


_WRITE_ONE = "Write one with `python -m retort.recipes.instructions CONFIG.toml`."
_ADD_A_FILE = "Add a file with its wordings to prompting/templates, or take the compact rendering."
_ANOTHER_LIBRARY = "Take this package's own library for it, or leave its rows out."
