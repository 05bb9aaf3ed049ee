"""A programme: recipes one after another, each step restartable and each with its share of the wall-clock time.

``retort train PROGRAMME.toml [max_minutes=N]`` runs the steps in order. A step's configuration may use the results of
earlier steps as ``{name}``. Every step leaves ``steps/<name>.json``: the resolved configuration, the checksum of what
it came from, its result and its time. The same command goes on where the last one ended: finished steps are kept
as long as nothing they came from has changed, and an unfinished one gets the configuration it started with.

On a machine without pydantic, polars and RDKit ``python -m retort.recipes.programme`` does the same for steps that
train, average and decode. ``call_minutes`` ends one call early, so that short leases continue one another.
"""

import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from retort.config import build, option, read_values, set_value
from retort.errors import ConfigError, UnknownNameError
from retort.recipes.entry import UnfinishedError, run_with_config
from retort.recipes.steps import RECIPES

Say = Callable[[str], None]
LEAST_MINUTES = 0.2


@dataclass(frozen=True)
class Step:
    """One step of a programme."""

    name: str = option(help="name; later steps use its result as {name}")
    recipe: str = option(help="what runs: " + ", ".join(RECIPES))
    config: Path | None = option(None, help="its configuration, relative to the programme's file")
    set: Mapping[str, Any] = option(help="keys that replace its own; {name} is a result", factory=dict)
    share: float = option(0.0, help="its part of the time that is left, relative to the other steps' shares")
    rows_per_minute: float | None = option(None, help="rate by which a share of time becomes a number of rows")


@dataclass(frozen=True)
class ProgrammeConfig:
    """Steps in order, and the time they have."""

    output: Path = option(help="folder that receives one folder per step, and steps/")
    steps: tuple[Step, ...] = option(help="the steps, in order")
    max_minutes: float | None = option(None, help="wall-clock time of the whole; without it each step takes its own")
    call_minutes: float | None = option(None, help="end this call after so long; the same command goes on")
    until: str | None = option(None, help="name of the last step to run")


@dataclass
class Record:
    """What ``steps/<name>.json`` holds.

    Attributes:
        origin: SHA-256 over the step's recipe and configuration and the origins of the steps it uses.
        values: The resolved configuration.
        result: Path of the result; empty until the step is done.
        seconds: Time taken so far, in all calls.
    """

    step: str
    recipe: str
    origin: str
    values: dict[str, Any] = field(default_factory=dict)
    result: str = ""
    seconds: float = 0.0

    @property
    def finished(self) -> bool:
        """Whether the step is done and its result still there."""
        return bool(self.result) and Path(self.result).exists()

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """Return the stored record; None where there is none that can be read."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the stored record."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(vars(self), indent=1, default=str) + "\n", "utf-8")
        part.replace(path)


def run_programme(programme: ProgrammeConfig, home: Path, say: Say = print) -> Path:
    """Run all steps that are not done; return the result of the last one, or the output folder if a step is unfinished.

    Args:
        programme: What to run.
        home: Folder of the programme's file, to which its configurations are relative.
        say: Told what is done.

    Raises:
        ConfigError: A step is ill-formed.
        RetortError: A step failed; the same call goes on from it.
    """
    _check(programme)
    ends = None if programme.call_minutes is None else time.monotonic() + 60 * programme.call_minutes
    done: dict[str, Record] = {}
    for place, step in enumerate(programme.steps):
        given = _given(step, home)
        record = _record(programme, step, _origin(step, given, done))
        if record.finished:
            say(f"{step.name}: done before, {record.result}")
        else:
            minutes = _minutes(programme, place, done)
            values = _resolved(step, given, programme, done)
            if not _perform(step, record, _path(programme, step), values, minutes, ends, say):
                return programme.output
        done[step.name] = record
        if step.name == programme.until:
            break
    return Path(record.result)


def _record(programme: ProgrammeConfig, step: Step, origin: str) -> Record:
    """Return what is known of a step; what another configuration made is removed."""
    folder = programme.output / step.name
    record = Record.read(_path(programme, step))
    if record is None and folder.exists():
        raise ConfigError(f"{str(folder)!r} exists, but no step made it.", "Choose another output for the programme.")
    if record is None or record.origin != origin:
        shutil.rmtree(folder, ignore_errors=True)
        record = Record(step.name, step.recipe, origin)
    return record


def _path(programme: ProgrammeConfig, step: Step) -> Path:
    return programme.output / "steps" / f"{step.name}.json"


def _perform(
    step: Step, record: Record, path: Path, values: dict[str, Any], minutes: float | None, ends: float | None, say: Say
) -> bool:
    """Run one step and keep its record; return whether it was finished."""
    recipe = RECIPES[step.recipe]
    if not record.values:  # an unfinished step keeps the time it was given when it began
        record.values = recipe.budgeted(values, minutes, step.rows_per_minute)
        say(f"{step.name}: {step.recipe}" + (f", {minutes:.1f} minutes" if minutes is not None else ""))
    record.result = ""
    record.write(path)
    begun = time.monotonic()
    try:
        with _ended_at(ends):
            record.result = str(recipe.perform(record.values))
    except UnfinishedError as unfinished:
        say(f"{step.name}: {unfinished}")
        return False
    finally:
        record.seconds += time.monotonic() - begun
        record.write(path)
    say(f"{step.name}: {record.result} after {record.seconds / 60:.1f} minutes")
    return True


def _check(programme: ProgrammeConfig) -> None:
    names = [step.name for step in programme.steps]
    for step in programme.steps:
        if step.recipe not in RECIPES:
            raise UnknownNameError("recipe", step.recipe, RECIPES)
        if names.count(step.name) > 1 or step.name == "steps" or "/" in step.name:
            raise ConfigError(f"a step cannot be named {step.name!r}.", "Names are distinct folder names.")
    if programme.until is not None and programme.until not in names:
        raise UnknownNameError("step", programme.until, names)


def _given(step: Step, home: Path) -> dict[str, Any]:
    """Return a step's configuration with its own settings, references still in braces."""
    values = read_values(home / step.config) if step.config is not None else {}
    values.pop("recipe", None)
    for key, value in _leaves(step.set):
        set_value(values, key, value)
    return values


def _leaves(tree: Mapping[str, Any], trail: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of nested tables, so that they change a configuration and do not replace tables."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{trail}{key}.")
        else:
            yield f"{trail}{key}", value


def _origin(step: Step, given: Mapping[str, Any], done: Mapping[str, Record]) -> str:
    text = json.dumps(given, sort_keys=True, default=str)
    used = {name: record.origin for name, record in done.items() if f"{{{name}}}" in text}
    return sha256(json.dumps([step.recipe, text, used], sort_keys=True).encode()).hexdigest()


def _resolved(
    step: Step, given: Mapping[str, Any], programme: ProgrammeConfig, done: Mapping[str, Record]
) -> dict[str, Any]:
    """Return the configuration with references replaced, and the step's own folder as its output."""
    known = {name: record.result for name, record in done.items()} | {"output": str(programme.output)}
    values = _replaced(dict(given), known, step.name)
    output = programme.output / step.name
    return {**values, "output": str(output)}


def _replaced(value: Any, known: Mapping[str, str], step: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(inner, known, step) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, known, step) for inner in value]
    if isinstance(value, str) and "{" in value:
        try:
            return value.format_map(known)
        except (KeyError, ValueError, IndexError) as error:
            raise ConfigError(f"step {step!r}: {value!r} uses a result that no earlier step gives: {error}.") from error
    return value


def _minutes(programme: ProgrammeConfig, place: int, done: Mapping[str, Record]) -> float | None:
    """Return the time of a step: its share of what the finished steps have left."""
    step = programme.steps[place]
    if programme.max_minutes is None or not step.share:
        return None
    ahead = sum(later.share for later in programme.steps[place:])
    spent = sum(earlier.seconds for earlier in done.values()) / 60
    return max(LEAST_MINUTES, step.share / ahead * (programme.max_minutes - spent))


@contextmanager
def _ended_at(moment: float | None) -> Iterator[None]:
    """Leave the step by UnfinishedError once the call's time is over; training writes ``last/`` first.

    ``moment`` is a value of the monotonic clock, in seconds.
    """
    if moment is None:
        yield
        return

    def leave(*_: object) -> None:
        raise UnfinishedError("the time of this call is over; the same command goes on.")

    before = signal.signal(signal.SIGTERM, leave)  # training puts its own handler in place while it runs
    timer = threading.Timer(max(0.0, moment - time.monotonic()), signal.raise_signal, [signal.SIGTERM])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGTERM, before)


def run_file(path: Path, overrides: Sequence[str] = ()) -> Path:
    """Run the programme of a file; raises as :func:`run_programme`."""
    values = read_values(path, overrides)
    values.pop("recipe", None)
    return run_programme(
        build(ProgrammeConfig, values, str(path)), path.parent, lambda text: print(text, file=sys.stderr)
    )


if __name__ == "__main__":
    raise SystemExit(run_with_config(run_file))
