"""Train and score networks of values once per published ordering of a source, beside mean and nearest reaction.

``python -m retort.recipes.yield_orderings CONFIG.toml [key=value ...]`` adds every ordering to one file of figures as
it is done, and leaves out those that are there. All test rows are answered; how many of them lie outside of the
training domain, and would be declined, is said beside.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from retort.chem.fingerprints import Fingerprint
from retort.config import as_dict, load, option
from retort.data.labelled import LabelledSource, read_labelled
from retort.data.splits import TEST
from retort.inference.proposers.value_network import ValueProposer
from retort.prompting.task import TASKS, Task
from retort.recipes.entry import run_with_config
from retort.recipes.labelled_report import held_out_figures
from retort.recipes.train_values import TrainValuesConfig, fit_network
from retort.training.value_network import ValueTraining

Say = Callable[[str], None]


@dataclass(frozen=True)
class OrderingsConfig:
    """Orderings to score."""

    task: str = option(help="task whose answers are numbers")
    output: Path = option(help="file of figures; orderings that it holds are not done again")
    source: str = option(help="a source whose rows name the orderings that test them")
    orderings: tuple[str, ...] = option(help="their names")
    commit: str = option("", help="state of the code, for the record")
    fingerprint: Fingerprint = field(default_factory=Fingerprint, metadata={"help": "what the networks look at"})
    training: ValueTraining = field(default_factory=ValueTraining, metadata={"help": "how they are trained"})


def yield_orderings(config: OrderingsConfig, say: Say = print) -> Path:
    """Score every ordering that is not there yet; return the file of figures.

    Raises:
        DataError: The source is not here, or an ordering has no train rows.
    """
    task = TASKS.get(config.task)
    found: dict[str, Any] = json.loads(config.output.read_text("utf-8")) if config.output.is_file() else {}
    config.output.parent.mkdir(parents=True, exist_ok=True)
    for ordering in config.orderings:
        if ordering not in found.get("orderings", {}):
            made = {**found.get("orderings", {}), ordering: _score(config, task, ordering, say)}
            found = {"config": as_dict(config), "mean_r2": _mean_r2(made), "orderings": made}
            config.output.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")
            say(f"{ordering}: {made[ordering]['figures']['value_network']['metrics']}")
    return config.output


def _score(config: OrderingsConfig, task: Task, ordering: str, say: Say) -> dict[str, Any]:
    source = LabelledSource(config.source, ordering, "reaction")
    settings = TrainValuesConfig(config.task, config.output, (source,), (), 1.0, config.fingerprint, config.training)
    rows = read_labelled(task, (source,))
    network = fit_network(settings, task, rows, say)
    inside = ValueProposer(network)
    declined = sum(bool(inside.outside(row.given)) for row in rows.part(TEST))
    asked = ValueProposer(replace(network, domain=replace(network.domain, least=0.0)))
    values = held_out_figures(task, rows, asked, (TEST,)).values
    figures = values["figures"][f"{config.source}/{TEST}"]
    return {"rows": values["rows"], "dropped": values["dropped"], "outside_domain": declined, "figures": figures}


def _mean_r2(made: dict[str, Any]) -> dict[str, float]:
    """Return who -> mean R2 over the orderings that are done."""
    who = next(iter(made.values()))["figures"]
    return {name: float(np.mean([one["figures"][name]["metrics"]["r2"] for one in made.values()])) for name in who}


def _from_file(path: Path, overrides: Sequence[str]) -> Path:
    return yield_orderings(
        load(OrderingsConfig, path, overrides), lambda text: print(text, file=sys.stderr, flush=True)
    )


if __name__ == "__main__":
    raise SystemExit(run_with_config(_from_file))
