"""Write what a language model is asked for the rows of a table, to be decoded on another machine.

``python -m retort.recipes.questions CONFIG.toml [KEY=VALUE]...`` writes all queries in their spellings as tokens.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from retort.config import load, option
from retort.errors import ChemistryError
from retort.inference.proposers.language_model import Decoding, LanguageModel
from retort.inference.queries import read_columns
from retort.inference.questions import ask
from retort.models.recorded import Tokens, write_questions
from retort.models.toy import ToySeq2Seq
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.entry import run_with_config


@dataclass(frozen=True)
class QuestionsConfig:
    """Queries to be asked elsewhere."""

    task: str = option(help="name or alias of a task")
    input: Path = option(help="table with the column input")
    vocabulary: Path = option(help="vocabulary.json of the model that will be asked")
    output: Path = option(help="file to write, ending in .npz")
    augmentations: int = option(1, help="spellings per query")


def write_asked(config: QuestionsConfig) -> Path:
    """Write the questions file; queries that cannot be read, or are too long to be asked, are not in it.

    Raises:
        InputFileError: The table is missing or lacks the column.
        ModelError: The vocabulary cannot be read.
    """
    task, vocabulary = TASKS.get(config.task), Vocabulary.load(config.vocabulary)
    model = LanguageModel(ToySeq2Seq(vocabulary), vocabulary, Decoding(augmentations=config.augmentations))
    asked: dict[Tokens, None] = {}
    for (query,) in read_columns(config.input, ("input",)):
        with suppress(ChemistryError):  # answered invalid_input or too long, without the model
            asked |= dict.fromkeys(model.sources(ask(task, query, None)))
    config.output.parent.mkdir(parents=True, exist_ok=True)
    write_questions(config.output, list(asked))
    return config.output


def _write_file(path: Path, overrides: Sequence[str]) -> Path:
    return write_asked(load(QuestionsConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_write_file))
