"""Write a library of instructions for a study: the wordings of data sets' own rows, and those of this package.

``python -m retort.recipes.instructions CONFIG.toml [KEY=VALUE]...`` reads train rows alone. An arm names the
file as its ``instructions``; reading that needs the standard library alone.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from retort.config import load, option
from retort.data.instructions import instruction_library
from retort.data.source import SOURCES
from retort.errors import ConfigError
from retort.prompting.template import Library, own_library
from retort.recipes.entry import run_with_config

Say = Callable[[str], None]


@dataclass(frozen=True)
class InstructionsConfig:
    """A library of instructions."""

    wordings_of: tuple[str, ...] = option(help="sources whose train rows carry instructions")
    library: Path = option(help="JSON file that receives the library")
    tasks: tuple[str, ...] = option((), help="tasks whose instructions are kept; all by default")
    own: bool = option(True, help="also those of this package, before the others")

    def __post_init__(self) -> None:
        if not self.wordings_of and not self.own:
            raise ConfigError("the library would be empty.", "Name sources, or keep this package's own.")


def write_instructions(config: InstructionsConfig, say: Say = print) -> Path:
    """Write the library; return its file.

    Raises:
        UnknownNameError: There is no such source.
        DataError: A source is not there or has no instruction, or a task has none.
        OutputError: The file cannot be written.
    """
    parts = [own_library()] if config.own else []
    for name in config.wordings_of:
        source = SOURCES.get(name)
        found, left_out = instruction_library(name, source.read(source.root()))
        parts.append(found)
        say(f"{name}: {_counted(found)}; left out: {dict(left_out) or 'none'}")
    library = Library.joined("+".join(part.name for part in parts), parts)
    library = library.only(*config.tasks) if config.tasks else library
    library.save(config.library)
    say(f"{library.name}: {_counted(library)}")
    return config.library


def _counted(library: Library) -> str:
    counts = Counter(template.task for template in library.templates)
    return ", ".join(f"{count} of {task}" for task, count in counts.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: write_instructions(load(InstructionsConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
