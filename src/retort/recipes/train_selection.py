"""Train networks of yields that rank the candidates of lists: a source cut by whole lists -> a model folder.

``retort train CONFIG.toml``. The networks learn from single reactions, none of which is in a held-out list. The folder
says that the task is trained where they beat, on the held-out lists, the popularity of candidates and the nearest
reaction in NDCG with an interval apart; otherwise it declines, with the figures in ``metrics.json`` to see why.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retort import __version__
from retort.chem.fingerprints import Fingerprint
from retort.config import as_dict, load, option
from retort.data.labelled import LabelledSource
from retort.data.lists import ListRows, read_lists
from retort.errors import ConfigError
from retort.evaluation.comparison import differences
from retort.evaluation.predictions import Predictions
from retort.evaluation.reports import report
from retort.inference.model_folder import seal
from retort.inference.proposer import Proposer
from retort.inference.proposers.by_value import ByValue
from retort.inference.proposers.candidate_means import PopularCandidates
from retort.inference.proposers.nearest_reaction import NearestReaction
from retort.inference.proposers.value_network import ValueProposer
from retort.inference.questions import membership_key, write_seen
from retort.inference.training_answers import TrainingAnswers
from retort.models.boosted import ModelMeta
from retort.models.candidate_means import CandidateMeans
from retort.models.checkpoint import replacing
from retort.models.value_network import ValueNetwork
from retort.prompting.candidates import WHOLE_LIST
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.labelled_report import predicted
from retort.recipes.train_values import TrainValuesConfig, fit_network
from retort.training.value_network import ValueTraining

Say = Callable[[str], None]
MAIN = "ndcg"
_NETWORK, _SEEN = "yields.npz", "seen.npy"


@dataclass(frozen=True)
class TrainSelectionConfig:
    """Networks that rank lists to train."""

    task: str = option(help="task whose queries go on with a list of candidates")
    output: Path = option(help="model folder to write; an existing one is replaced")
    source: LabelledSource = option(help="where the lists come from, which kind is held out, and by what they are cut")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the networks look at"})
    training: ValueTraining = field(default_factory=ValueTraining, metadata={"help": "how they are trained"})


def train_selection(config: TrainSelectionConfig, say: Say = print) -> Path:
    """Train, score on the held-out lists beside the baselines, and write the model folder; return it.

    Raises:
        ConfigError: The task ranks no candidates.
        DataError: The source is not here, or leaves no lists.
    """
    task = TASKS.get(config.task)
    if not task.ranked_by:
        raise ConfigError(f"{task.name!r} ranks no candidates.", "Choose another task.")
    start = time.perf_counter()
    rows = read_lists(config.source)
    say(f"{task.name}: {len(rows.test):,} lists held out, {len(rows.wells.rows):,} train rows")
    values = TrainValuesConfig(
        task.ranked_by, config.output, (config.source,), (), 1.0, config.fingerprint, config.training
    )
    network = fit_network(values, TASKS.get(task.ranked_by), rows.wells, say)
    answers = {who.name: predicted(task, who, rows.test) for who in _asked(task, rows, network)}
    figures = _figures(answers)
    figures |= {"config": as_dict(config), "rows": len(rows.wells.rows), "dropped": dict(rows.wells.dropped)}
    with replacing(config.output) as folder:
        network.save(folder / _NETWORK)
        write_seen(folder / _SEEN, (membership_key(TASKS.get(task.ranked_by), row.given) for row in rows.wells.rows))
        seconds = round(time.perf_counter() - start)
        text = json.dumps({**figures, "seconds": seconds}, indent=1, default=str)
        (folder / "metrics.json").write_text(text + "\n", "utf-8")
        _seal(folder, task, figures)
    say(f"{config.output}: {'trained' if figures['beaten'] else 'not trained'}")
    return config.output


def _asked(task: Task, rows: ListRows, network: ValueNetwork) -> list[Proposer]:
    """Return who is asked the held-out lists, the networks first."""
    pairs = [(row.given, row.answer) for row in rows.wells.rows]
    near = NearestReaction(TrainingAnswers.gather("nearest_reaction", task.ranked_by, pairs))
    means = CandidateMeans.gather(ModelMeta(task.name, {}, rows.wells.sha256, 0, len(pairs)), rows.popular)
    numbers = (ValueProposer(network), near)
    return [*(ByValue(who, task.ranked_by) for who in numbers), PopularCandidates(means, "popularity")]


def _figures(answers: Mapping[str, Predictions]) -> dict[str, Any]:
    """Return the figures of everyone, what the first gains over the others, and whether it beats them all."""
    first, *others = answers
    gains = {name: differences(answers[name], answers[first], WHOLE_LIST) for name in others}
    return {
        "figures": {name: report(found, WHOLE_LIST).as_dict() for name, found in answers.items()},
        "gains": {
            name: {what: [gain.difference, *gain.interval] for what, gain in one.items()} for name, one in gains.items()
        },
        "beaten": all(one[MAIN].interval[0] > 0 for one in gains.values()),
    }


def _seal(folder: Path, task: Task, figures: Mapping[str, Any]) -> None:
    trained = bool(figures["beaten"])
    entry = {
        "trained": trained,
        "proposers": ["yields"],
        "seen": _SEEN,
        "notes": ["Ranked by predicted yields; a list with a molecule that no train row has is declined."],
        "reason": "" if trained else "popularity or the nearest reaction rank the held-out lists as well",
    }
    proposers = {"yields": {"kind": "value_network", "file": _NETWORK}}
    seal(folder, {"name": task.name, "release": __version__, "proposers": proposers, "tasks": {task.name: entry}})


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return train_selection(load(TrainSelectionConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
