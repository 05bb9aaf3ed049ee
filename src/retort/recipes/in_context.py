"""Ask a language model that was trained for something else: solved examples stand before every question.

``python -m retort.recipes.in_context CONFIG.toml [key=value ...]`` takes any causal language model in a Hugging Face
folder and any task. Every repeat writes ``repeat-<i>.jsonl``, a file of predictions with the raw texts, and
``report.json`` holds the figures. The same command goes on after an interruption. Figures are always made from the raw
texts: where all predictions are there, the command reads and scores them anew without loading the network.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.config import as_dict, load, option
from retort.data.shots import Choice, ShotPool, Solved
from retort.errors import ConfigError, OutputError
from retort.evaluation import predictions as files
from retort.models.generation_settings import Decoding
from retort.prompting.in_context import in_context_text, read_said
from retort.prompting.task import TASKS, Task, Unreadable
from retort.prompting.template import own_library
from retort.recipes.entry import run_with_config
from retort.recipes.in_context_report import in_context_report
from retort.recipes.in_context_rows import AskedRow, RowsChoice, pool_rows, question_rows

if TYPE_CHECKING:
    from retort.models.generation import PromptTokens, TextModel

Say = Callable[[str], None]
NAME = "in_context"
TOO_LONG = "the prompt is too long, even without examples"


@dataclass(frozen=True)
class ShotsChoice:
    """Which examples stand before a question."""

    pool: RowsChoice = option(help="where they come from")
    number: int = option(4, help="how many; 0 for none")
    choice: Choice = option("random", help="random, or the most similar by scaffold or by text")
    seed: int = option(0, help="seed of the choice by chance; each repeat adds its number")


@dataclass(frozen=True)
class InContextConfig:
    """A language model to ask with examples."""

    model: Path = option(help="Hugging Face folder of a causal language model with its tokenizer")
    task: str = option(help="name or alias of the task")
    rows: RowsChoice = option(help="the questions")
    shots: ShotsChoice = option(help="the examples")
    output: Path = option(help="folder that receives repeat-<i>.jsonl and report.json")
    instruction: int = option(0, help="which wording of the task, counted from 0 as `docs/reference/templates.md` does")
    repeats: int = option(1, help="how often everything is asked, with other seeds")
    decoding: Decoding = field(default_factory=Decoding, metadata={"help": "how answers are written"})

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.shots.number < 0:
            raise ConfigError(f"{self.repeats} repeats with {self.shots.number} examples cannot be.")
        if self.repeats > 1 and self.decoding.greedy and (self.shots.choice != "random" or not self.shots.number):
            raise ConfigError(
                f"all {self.repeats} repeats would be the same: nothing is left to chance.",
                "Set repeats = 1, a temperature above 0, or shots.choice = 'random'.",
            )

    @cached_property
    def digest(self) -> str:
        """Names everything that an answer depends on, and nothing else."""
        plain = as_dict(self)
        del plain["output"], plain["repeats"], plain["decoding"]["device"], plain["decoding"]["batch_size"]
        return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question as it is put to the model.

    Attributes:
        tokens: Ids; empty where nothing can be asked.
        shots: Examples that stand in it.
        dropped: Examples that were left out because they made it too long, the least similar first.
        trouble: Why nothing can be asked.
    """

    tokens: tuple[int, ...]
    shots: int = 0
    dropped: int = 0
    trouble: str = ""


def in_context(config: InContextConfig, say: Say = print) -> Path:
    """Ask every row in every repeat, score, and return ``report.json``.

    Raises:
        ConfigError: The task has no wording of that number.
        DataError: Rows or pool are empty.
        ModelError: The folder holds no causal language model with a tokenizer.
        UsageError: The output folder holds the predictions of another run.
        OutputError: The output cannot be written.
    """
    from retort.models.generation import PromptTokens, longest_prompt
    from retort.models.tokenizer import ForeignTokens

    task = TASKS.get(config.task)
    rows = question_rows(task, config.rows)
    solved, left_out = pool_rows(task, config.shots.pool)
    say(f"{task.name}: {len(rows):,} questions, {len(solved):,} rows to take examples from")
    tokens = PromptTokens(ForeignTokens.load(config.model))
    writer = _Prompts(config, task, ShotPool(task, solved, config.shots.choice), tokens)
    asking = _Asking(config, task, tokens)
    longest = longest_prompt(config.model, config.decoding)
    config.output.mkdir(parents=True, exist_ok=True)
    asked: list[list[Prompt]] = []
    for repeat in range(config.repeats):
        asked.append([writer.of(row, repeat, longest) for row in rows])
        say(f"repeat {repeat}: {sum(p.dropped for p in asked[-1])} examples dropped")
        asking.ask(repeat, rows, asked[-1])
    values = in_context_report(
        [reread(task, files.read(_file(config, repeat))) for repeat in range(config.repeats)],
        [_told(prompts) for prompts in asked],
    )
    more = {"pool": {"rows": len(solved), "unreadable": left_out}, "chat": tokens.chat, "config": as_dict(config)}
    return _saved(config.output / "report.json", values | more)


def reread(task: Task, predictions: files.Predictions) -> files.Predictions:
    """Read every answer out of its raw text again; rows without one stay as they are."""
    return replace(predictions, rows=tuple(_reread(task, row) for row in predictions.rows))


def _reread(task: Task, row: files.Prediction) -> files.Prediction:
    if row.raw is None:
        return row
    read = read_said(task, row.raw)
    score = row.candidates[0].score if row.candidates else None
    return _answered(task, row, read, score)


def _answered(task: Task, row: files.Prediction, read: str | Unreadable, score: float | None) -> files.Prediction:
    """Return a row with what was read out of its text; an answer that cannot be read is none."""
    if isinstance(read, Unreadable):
        return replace(row, status="no_answer", message=read.reason, candidates=())
    if task.answer_kind == "value":
        found = files.Candidate("", score, NAME, value=float(read))
    else:
        smiles, text = (read, "") if task.answer_kind == "smiles" else ("", read)
        found = files.Candidate(smiles, score, NAME, text)
    return replace(row, status="ok", message="", candidates=(found,))


class _Prompts:
    """Writes prompts that fit."""

    def __init__(self, config: InContextConfig, task: Task, pool: ShotPool, tokens: "PromptTokens") -> None:
        wordings = own_library().of(task.name)
        if not 0 <= config.instruction < len(wordings):
            raise ConfigError(f"{task.name} has no instruction {config.instruction}.", f"It has {len(wordings)}.")
        self._config, self._task, self._pool, self._tokens = config, task, pool, tokens
        self._instruction = wordings[config.instruction].text

    def of(self, row: AskedRow, repeat: int, longest: int) -> Prompt:
        """Return the prompt of a row; examples are dropped from the least similar on until it fits."""
        if not row.question:
            return Prompt((), trouble=row.trouble)
        choice = self._config.shots
        shots = self._pool.choose(row.solved, choice.number, choice.seed + repeat)
        for kept in range(len(shots), -1, -1):
            tokens = self._encoded(shots[:kept], row.question)
            if len(tokens) <= longest:
                return Prompt(tuple(tokens), kept, len(shots) - kept)
        return Prompt((), 0, len(shots), TOO_LONG)

    def _encoded(self, shots: Sequence[Solved], question: str) -> list[int]:
        pairs = [(shot.question, shot.answer) for shot in shots]
        return self._tokens.encode(in_context_text(self._task, self._instruction, pairs, question))


class _Asking:
    """Asks the model and keeps what it says; the network is loaded when it is first needed."""

    def __init__(self, config: InContextConfig, task: Task, tokens: "PromptTokens") -> None:
        self._config, self._task, self._tokens = config, task, tokens

    def ask(self, repeat: int, rows: Sequence[AskedRow], prompts: Sequence[Prompt]) -> None:
        """Write the predictions of one repeat, from where its file ends."""
        path, size = _file(self._config, repeat), self._config.decoding.batch_size
        name = f"{self._config.model.name} ({self._config.digest}, repeat {repeat})"
        header = files.Header(self._task.name, name, 1, self._task.answer_kind)
        done = files.resume(path, header, ((row.query, row.target) for row in rows))
        with files.PredictionWriter(path, header) as writer:
            for start in range(done - done % size, len(rows), size):  # whole batches, so that sums are the same
                places = range(start, min(start + size, len(rows)))
                for row in self._batch(repeat, places, rows, prompts):
                    if row.index >= done:
                        writer.write(row)

    def _batch(
        self, repeat: int, places: range, rows: Sequence[AskedRow], prompts: Sequence[Prompt]
    ) -> Iterator[files.Prediction]:
        able = [place for place in places if prompts[place].tokens]
        said = self._model(repeat).continued([prompts[p].tokens for p in able], able) if able else []
        found = dict(zip(able, said, strict=True))
        for place in places:
            row, trouble = rows[place], prompts[place].trouble
            blank = files.Prediction(place, row.query, row.target, "no_answer", trouble, ())
            if place in found:
                raw = self._tokens.decode(found[place].tokens)
                read = read_said(self._task, raw)
                yield _answered(self._task, replace(blank, raw=raw), read, found[place].score)
            else:
                yield blank if row.question else replace(blank, status="invalid_input")

    @cached_property
    def _network(self) -> Any:
        from retort.models.causal import load_language_model

        return load_language_model(self._config.model, "causal")

    def _model(self, repeat: int) -> "TextModel":
        from retort.models.generation import TextModel

        decoding = replace(self._config.decoding, seed=self._config.decoding.seed + repeat)
        return TextModel(self._network, self._tokens.tokens, decoding)


def _told(prompts: Sequence[Prompt]) -> dict[str, int]:
    """Return how many examples stood in all prompts and how many did not fit."""
    return {
        "shown": sum(prompt.shots for prompt in prompts),
        "dropped": sum(prompt.dropped for prompt in prompts),
        "rows_with_dropped": sum(prompt.dropped > 0 for prompt in prompts),
        "rows_too_long": sum(prompt.trouble == TOO_LONG for prompt in prompts),
    }


def _file(config: InContextConfig, repeat: int) -> Path:
    return config.output / f"repeat-{repeat}.jsonl"


def _saved(path: Path, values: dict[str, Any]) -> Path:
    try:
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
    return path


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return in_context(load(InContextConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
