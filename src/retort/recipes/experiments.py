"""Files of experiments: an arm of a study each, what was published of it, and what it is compared with.

A file names the file it builds on (``base``) and holds only what differs; ``budget`` names one whose values replace
those of all arms, so that the same files serve a GPU and a laptop. Reading them needs the standard library alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retort.config import apply_override, beside, build, chain, laid_over, option, read_values
from retort.errors import ConfigError, InputFileError, UsageError
from retort.recipes.study_config import ArmConfig

CONFIGS = Path("configs")
_EQUAL = ("prepared", "start_from", "training", "rows", "part", "held_out", "seeds")
Values = dict[str, Any]


@dataclass(frozen=True)
class Published:
    """A row of a published table, figures from 0 to 1 as they were printed."""

    table: int = option(help="number of the table")
    model: str = option(help="what the table calls it")
    exact_match: float = option(help="exact match of sets of texts")
    bleu: float | None = option(None, help="corpus BLEU over characters")
    meteor: float | None = option(None, help="METEOR over characters")
    similarity: float | None = option(None, help="mean similarity of valid rows")
    validity: float | None = option(None, help="share of valid answers")


@dataclass(frozen=True)
class ExperimentConfig:
    """One experiment, or what several have in common."""

    budget: Path | None = option(None, help="file whose values replace those of every arm, e.g. for another machine")
    title: str = option("", help="what it is called in tables")
    task: str = option("", help="its task; `joint` for several at once")
    output: Path = option(Path("runs/benchmark"), help="folder that receives arms/ and results.md")
    results: Path | None = option(None, help="file of all figures; results.json of the output folder by default")
    against: Path | None = option(None, help="file of the experiment it is compared with, relative to this one")
    mean_of: tuple[Path, ...] = option(
        (), help="files of experiments of one task each whose mean this is, relative to this one; it trains nothing"
    )
    not_run: str = option("", help="why it cannot be run; empty where it can")
    published: Published | None = option(None, help="the published row that it answers to")
    arm: Mapping[str, Any] = option(help="the arm, keys of ArmConfig; its output is set", factory=dict)


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment whose file has been read with all that it builds on.

    Attributes:
        name: Path of its file below the folder of all, without suffix.
        config: Its values.
        arm: What is run; None where it cannot be.
        against: Name of the experiment it is compared with; empty where there is none.
        mean_of: Names of the experiments whose mean it is; empty where it has an arm of its own.
    """

    name: str
    config: ExperimentConfig
    arm: ArmConfig | None
    against: str
    mean_of: tuple[str, ...] = ()

    @property
    def results(self) -> Path:
        """The file of all figures."""
        return self.config.results or self.config.output / "results.json"


def read_experiments(given: Path, overrides: Sequence[str] = ()) -> list[Experiment]:
    """Return the experiments of a folder in the order of their names, or that of a file and those it is compared with.

    A folder's experiments are the files, in subfolders too, that name a base and are no base themselves.

    Args:
        given: A file or folder.
        overrides: ``key=value`` texts that change every experiment, e.g. ``budget=cpu.toml arm.seeds=[0]``.

    Raises:
        UsageError: There is no such file or folder, or it holds no experiment.
        ConfigError: A file does not fit, or an arm and the one it is compared with have different budgets.
    """
    if given.is_dir():
        files = _experiments_in(given)
    elif given.is_file():
        files = _with_baselines(given)
    else:
        files = []
    if not files:
        raise UsageError(
            f"{str(given)!r} is no configuration, no folder of experiments and no suite.", _what_there_is()
        )
    found = [_experiment(file, overrides) for file in files]
    _refuse_unequal({experiment.name: experiment for experiment in found})
    return sorted(found, key=lambda experiment: experiment.name)


def _experiments_in(folder: Path) -> list[Path]:
    chains = {path: [file for file, _ in chain(path)] for path in folder.rglob("*.toml") if "arm" in read_values(path)}
    bases = {file.resolve() for files in chains.values() for file in files[1:]}
    return sorted(path for path, files in chains.items() if len(files) > 1 and path.resolve() not in bases)


def _with_baselines(file: Path) -> list[Path]:
    """Return a file, those it is compared with or the mean of, and so on."""
    files, waiting = list[Path](), [file]
    while waiting:
        file = waiting.pop()
        if file.resolve() not in [known.resolve() for known in files]:
            files.append(file)
            values = _merged(file, ())
            named = [*values.get("mean_of", ()), *([values["against"]] if "against" in values else [])]
            waiting += [beside(file, str(name)) for name in named]
    return files


def _what_there_is() -> str:
    """Return what can be given, for an error."""
    here = Path.cwd()
    roots = {_root(path).relative_to(here).as_posix() for path in _experiments_in(CONFIGS)} if CONFIGS.is_dir() else ()
    there = f" Folders here: {', '.join(sorted(roots))}." if roots else ""
    return f"Give a TOML file of an experiment, or a folder of such files.{there} There are no suites yet."


def _root(file: Path) -> Path:
    """Return the folder that names are relative to: that of the last base."""
    *_, (last, _) = chain(file)
    return last.parent.resolve()


def _merged(file: Path, overrides: Sequence[str]) -> Values:
    """Return a file's values on top of those it builds on; then those of the budget, then overrides."""
    values = read_values(file, overrides)
    budget = values.pop("budget", None)
    if budget is not None:
        values = laid_over(values, read_values(Path(budget)))
        for override in overrides:
            apply_override(values, override)
        values.pop("budget", None)
    return values


def _experiment(file: Path, overrides: Sequence[str]) -> Experiment:
    values, root = _merged(file, overrides), _root(file)
    config = build(ExperimentConfig, values, str(file))
    name = _name(file, root)
    against = _name(beside(file, str(config.against)), root) if config.against is not None else ""
    if "output" in config.arm:
        raise ConfigError(f"{file}: arm.output is set by the benchmark.", "Give the output of the experiment.")
    mean_of = tuple(_name(beside(file, str(other)), root) for other in config.mean_of)
    arm = {**config.arm, "output": str(config.output / "arms" / name)}
    built = None if config.not_run or mean_of else build(ArmConfig, arm, f"{file}: arm")
    return Experiment(name, config, built, against, mean_of)


def arms_of(experiment: Experiment, others: Mapping[str, Experiment]) -> tuple[ArmConfig, ...]:
    """Return the arm of an experiment, or those of the experiments whose mean it is; none where some cannot be run.

    Args:
        experiment: The experiment.
        others: All experiments by their names.

    Raises:
        InputFileError: An experiment of the mean is missing.
    """
    if experiment.arm is not None:
        return (experiment.arm,)
    for name in experiment.mean_of:
        if name not in others:
            raise InputFileError(f"{experiment.name!r} is the mean of {name!r} and others, which is missing.")
    found = [others[name].arm for name in experiment.mean_of]
    return tuple(arm for arm in found if arm is not None) if None not in found else ()


def _name(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root).with_suffix("").as_posix()
    except ValueError as error:
        raise ConfigError(f"{file} is not below {root}, the folder of its base.", "Move one of them.") from error


def _refuse_unequal(experiments: Mapping[str, Experiment]) -> None:
    """Refuse to compare arms that differ in more than what they are told."""
    for experiment in experiments.values():
        other = experiments.get(experiment.against)
        if other is None:
            if experiment.against:
                raise InputFileError(f"{experiment.name!r} is compared with {experiment.against!r}, which is missing.")
            continue
        arms = (*arms_of(experiment, experiments), *arms_of(other, experiments))
        unequal = [key for key in _EQUAL if any(getattr(arm, key) != getattr(arms[0], key) for arm in arms[1:])]
        if unequal:
            raise ConfigError(
                f"{experiment.name!r} and {other.name!r} differ in {', '.join(unequal)}: no fair comparison.",
                "Give both the same rows, start, training and seeds.",
            )
