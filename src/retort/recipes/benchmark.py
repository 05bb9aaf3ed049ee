"""Run the arms of a file or folder of experiments, score them, and compare each with the one it names.

``retort benchmark FILE|FOLDER [KEY=VALUE]...`` does all of it. On a machine with torch but neither RDKit nor polars,
``python -m retort.recipes.benchmark FILE|FOLDER [KEY=VALUE]...`` trains and decodes, and the former scores the answers
elsewhere. What is done is not done again. An arm that cannot run here stays in the table with its reason.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from retort.errors import ConfigError, RetortError
from retort.models import checkpoint
from retort.recipes.benchmark_results import Entry, read_results, write_results
from retort.recipes.entry import UnfinishedError, run_with_config
from retort.recipes.experiments import Experiment, arms_of, read_experiments
from retort.recipes.study import run_arm, undecoded
from retort.recipes.study_config import ArmConfig

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Experiments and what came of them.

    Attributes:
        experiments: In the order of their names.
        entries: Name -> what the file of figures says of it; see :mod:`retort.recipes.benchmark_results`.
    """

    experiments: Sequence[Experiment]
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def in_order(self) -> list[tuple[int, Experiment]]:
        """All experiments with their number from 1; means come after what they are the means of."""
        return sorted(enumerate(self.experiments, 1), key=lambda pair: bool(pair[1].mean_of))

    def arms(self, name: str) -> tuple[ArmConfig, ...]:
        """Return what answers an experiment; see :func:`arms_of`. Nothing where there is no such experiment."""
        others = {experiment.name: experiment for experiment in self.experiments}
        return arms_of(others[name], others) if name in others else ()

    @property
    def failed(self) -> list[str]:
        """Names of the arms that were begun and failed."""
        return [name for name, entry in self.entries.items() if entry["status"] == "failed"]


def run_benchmark(given: Path, overrides: Sequence[str] = (), say: Say = print) -> Benchmark:
    """Run, score and compare; write the files of figures after every arm, and a table in Markdown at the end.

    Args:
        given: A file or folder of experiments.
        overrides: ``key=value`` texts that change every experiment.
        say: Told what is done.

    Raises:
        UsageError: There are no experiments, or they do not fit.
        UnfinishedError: A signal ended it; the same call goes on.
        OutputError: Figures cannot be written.
    """
    from retort.recipes.reproduction_page import tables

    run = run_arms(given, overrides, say)
    known = {path: read_results(path) for path in {experiment.results for experiment in run.experiments}}
    for step in (_scored, _compared):
        for place, experiment in run.in_order:
            file = known[experiment.results]
            entry = step(run, experiment, file.get(experiment.name, {}), _told(say, place, run, experiment))
            run.entries[experiment.name] = file[experiment.name] = entry
            write_results(experiment.results, file)
    for output in {experiment.config.output for experiment in run.experiments}:
        here = [experiment for experiment in run.experiments if experiment.config.output == output]
        output.mkdir(parents=True, exist_ok=True)
        (output / "results.md").write_text("\n".join(tables(here, run.entries)) + "\n", "utf-8")
    return run


def run_arms(given: Path, overrides: Sequence[str] = (), say: Say = print) -> Benchmark:
    """Train and decode what is not decoded yet; neither RDKit nor polars is needed. Raises as :func:`run_benchmark`."""
    run = Benchmark(read_experiments(given, overrides))
    for place, experiment in run.in_order:
        tell = _told(say, place, run, experiment)
        run.entries[experiment.name] = (
            _of_others(run, experiment, tell) if experiment.mean_of else _decoded(experiment, tell)
        )
    return run


def obstacle(arm: ArmConfig) -> str:
    """Return why an arm cannot run here; empty where it can, or where all that is left to do is to score."""
    needed = [*(("types", path) for path in arm.type_files), ("weights", arm.start_from / checkpoint.CARD)]
    needed += [("instructions", arm.instructions)] if arm.instructions else []
    if undecoded(arm):
        needed.append(("prepared rows", arm.prepared / "manifest.json"))
    missing = [f"{what} ({path})" for what, path in needed if not path.is_file()]
    if missing:
        return f"not here: {', '.join(missing)}"
    if not find_spec("torch"):
        return "torch is not installed (extra [train])"
    if not undecoded(arm):
        return ""
    from retort.models.device import pick_device

    try:
        pick_device(arm.training.device)
    except ConfigError as error:
        return error.message.removesuffix(".")
    return ""


def _told(say: Say, place: int, run: Benchmark, experiment: Experiment) -> Say:
    """Return what tells of one experiment."""

    def tell(text: str) -> None:
        say(f"{place}/{len(run.experiments)} {experiment.name}: {text}")

    return tell


def _decoded(experiment: Experiment, say: Say) -> Entry:
    """Train and decode one arm; return its status."""
    reason = experiment.config.not_run if experiment.arm is None else obstacle(experiment.arm)
    if experiment.arm is None or reason:
        say(f"not run: {reason}")
        return {"status": "not run", "reason": reason}
    waiting = undecoded(experiment.arm)
    say(f"trains and decodes seeds {', '.join(map(str, waiting))}" if waiting else "is decoded")
    try:
        run_arm(experiment.arm)
    except UnfinishedError:
        raise
    except RetortError as error:
        return _failed(error, say)
    return {"status": "decoded", "reason": ""}


def _of_others(run: Benchmark, experiment: Experiment, say: Say) -> Entry:
    """Return the status of a mean: that its experiments are decoded, or which are not."""
    missing = [name for name in experiment.mean_of if run.entries[name]["status"] != "decoded"]
    reason = f"no answers of {', '.join(missing)}, of which it is the mean" if missing else ""
    say(f"not run: {reason}" if missing else "is the mean of others")
    return {"status": "not run" if missing else "decoded", "reason": reason}


def _failed(error: RetortError, say: Say) -> Entry:
    say(f"failed: {error}")
    return {"status": "failed", "reason": str(error)}


def _scored(run: Benchmark, experiment: Experiment, before: Entry, say: Say) -> Entry:
    """Return the figures of an arm that is decoded; those of before where its predictions are the same."""
    from retort.recipes.benchmark_scores import figures, predictions_sha256

    entry, arms = run.entries[experiment.name], run.arms(experiment.name)
    if entry["status"] == "not run" and arms and before.get("status") == "scored":
        say("keeps its figures, which were made elsewhere")
        return before
    if not arms or entry["status"] != "decoded":
        return entry
    if before.get("sha256", {}).get("predictions", ()) == predictions_sha256(arms):
        say("was scored before")
        return before
    say("is being scored")
    try:
        return {"status": "scored", "reason": "", "title": experiment.config.title, **figures(arms)}
    except RetortError as error:
        return _failed(error, say)


def _compared(run: Benchmark, experiment: Experiment, _: Entry, say: Say) -> Entry:
    """Return the figures of an arm with what it gains, where that is not known yet."""
    from retort.recipes.benchmark_scores import compared, predictions_sha256

    entry, arms = run.entries[experiment.name], run.arms(experiment.name)
    if entry["status"] != "scored" or predictions_sha256(arms) is None:
        return entry
    others = run.arms(experiment.against)
    found = predictions_sha256(others)
    origin = {"arm": experiment.against, "predictions": found}
    if entry.get("against") == origin:
        return entry
    say(f"is compared with {experiment.against}" if found else "its ways of decoding are compared")
    gains = compared(arms, experiment.name, others if found else (), experiment.against)
    return {**entry, "against": origin, "compared": gains}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line, without scoring; return the exit code."""
    return run_with_config(_run_alone, arguments)


def _run_alone(given: Path, overrides: Sequence[str]) -> str:
    run = run_arms(given, overrides, lambda text: print(text, file=sys.stderr, flush=True))
    counts = Counter(entry["status"] for entry in run.entries.values())
    return ", ".join(f"{status}: {count}" for status, count in counts.items())


if __name__ == "__main__":
    raise SystemExit(main())
