"""A programme that grows: each step may depend on what an earlier one found, and none that is done is done again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retort.recipes.entry import UnfinishedError
from retort.recipes.programme import ProgrammeConfig, Step, run_programme


class Steps:
    """The programme of one fine-tuning, run step by step as the earlier results tell what comes next.

    Args:
        folder: Receives one folder per step.
        rows: Most rows of a table that are answered.
        seed: Of their choice.
        say: Told what is done.
    """

    def __init__(self, folder: Path, rows: int, seed: int, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self._limits = {"rows": rows, "seed": seed}
        self._steps: list[Step] = []

    def run(self, name: str, recipe: str, values: Mapping[str, Any]) -> Path:
        """Run one step more, unless it is done; return its result. Raises UnfinishedError where it was cut off."""
        self._steps.append(Step(name, recipe, set=_plain(values)))
        programme = ProgrammeConfig(self.folder, tuple(self._steps))
        result = run_programme(programme, Path(), lambda text: self.say(text) if text.startswith(f"{name}:") else None)
        if result == self.folder:
            raise UnfinishedError("fine-tuning was asked to end; the same command goes on.")
        return result

    def answers(self, name: str, task: str, table: Path, model: str, proposer: str | None = None) -> Path:
        """Answer the rows of a table, some of them where there are many; return the folder of the predictions."""
        asked = {} if proposer is None else {"proposer": proposer}
        return self.run(name, "evaluate", {"task": task, "input": table, "model": model, **self._limits, **asked})


def _plain(value: Any) -> Any:
    """Return plain values of a step; braces in a path of the user are no reference to an earlier result."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value).replace("{", "{{").replace("}", "}}") if isinstance(value, (str, Path)) else value
