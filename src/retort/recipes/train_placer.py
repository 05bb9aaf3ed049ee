"""Train a template placer: records -> local templates and their atoms -> network -> ``<task>.npz`` and figures.

``retort train configs/placer_retrosynthesis.toml``.

The rows are written once, into ``rows/``, and need RDKit; training reads them alone. Where RDKit is absent, a run ends
with the file; the figures of answers are made by the same command where it is there.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retort.chem.molecular_graph import MolecularGraph
from retort.config import as_dict, option
from retort.data.placed_rows import PlacedRows
from retort.errors import DataError
from retort.models.placer import Placer, PlacerMeta, PlacerSize
from retort.recipes.entry import UnfinishedError
from retort.training.placer_settings import PlacerTraining

if TYPE_CHECKING:
    from retort.data.records import Record
    from retort.training.placer import PlacerEpoch

Say = Callable[[str], None]
TASK = "retrosynthesis"
PARTS = ("train", "valid_a")
_FACTS = "rows.json"


@dataclass(frozen=True)
class TrainPlacerConfig:
    """A placer to train."""

    prepared: Path = option(help="prepared folder whose records.parquet is read")
    output: Path = option(help="folder that receives retrosynthesis.npz, its metrics.json, rows/ and state.pt")
    sources: tuple[str, ...] = option((), help="sources whose rows are used; empty: all")
    minimum_count: int = option(1, help="templates that fewer train rows have are left out, with their rows")
    evaluate_rows: int = option(500, help="rows of valid part A that are answered and scored, at most; 0: none")
    workers: int = option(1, help="processes that extract templates")
    size: PlacerSize = field(default_factory=PlacerSize, metadata={"help": "the shape of the network"})
    training: PlacerTraining = field(default_factory=PlacerTraining, metadata={"help": "how it is trained"})


def train_placer(config: TrainPlacerConfig, say: Say = print) -> Path:
    """Train, quantise, save and score one placer; return its file.

    Raises:
        DataError: The prepared folder is damaged, or none of its rows has a template.
        ModelError: The state of a stopped run is damaged.
        UnfinishedError: The time was over before the last epoch.
    """
    facts = _rows(config, say)
    path = config.output / f"{TASK}.npz"
    placer = _fit(config, facts, say)
    placer.save(path)
    metrics = {**{key: facts[key] for key in ("rows", "left_out", "data_sha256")}, "templates": len(placer.classes)}
    metrics["parameters"] = int(sum(values.size for values in placer.weights.values()))
    metrics["config"] = as_dict(config)
    if config.evaluate_rows:
        metrics["valid_a"] = _scored(config, Placer.load(path))
    (config.output / f"{TASK}.metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", "utf-8")
    return path


def _fit(config: TrainPlacerConfig, facts: Mapping[str, Any], say: Say) -> Placer:
    import torch

    from retort.training.placer import PlacerRun

    torch.set_num_threads(1)
    train, held = (PlacedRows.load(config.output / "rows" / part) for part in PARTS)
    run = PlacerRun(len(facts["templates"]), config.size, config.training, config.output / "state.pt")

    def watch(epoch: "PlacerEpoch") -> None:
        hits = {k: round(100 * share, 1) for k, share in epoch.hits.items()}
        say(
            f"epoch {epoch.number}: loss {epoch.loss:.3f}, held out {epoch.held_loss:.3f}, own template among the "
            f"first k {hits}, {epoch.seconds:.0f} s"
        )

    if not run.fit(train, held, watch):
        raise UnfinishedError(f"the time is over; the same command goes on from {config.output / 'state.pt'}.")
    meta = PlacerMeta(TASK, config.size, facts["data_sha256"], config.training.seed, as_dict(config.training))
    templates = facts["templates"]
    return Placer(meta, run.network.export(), tuple(templates), np.array(list(templates.values()), np.int32))


def _rows(config: TrainPlacerConfig, say: Say) -> dict[str, Any]:
    """Write the rows, unless they are there; return what is known of them."""
    path = config.output / "rows" / _FACTS
    if not path.exists():
        _write_rows(config, say)
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}.", "Delete the folder of rows.") from error
    known = f"{len(facts['templates']):,} local templates, {facts['rows']['train']:,} train rows"
    say(f"{known}; left out: {facts['left_out']}")
    return facts


def _write_rows(config: TrainPlacerConfig, say: Say) -> None:
    from retort.chem.templates import NoTemplate
    from retort.recipes.template_vocabulary import extract_templates, frequent_classes

    records = _records(config)
    chosen = {part: [r for r in records if r.split == part] for part in PARTS}
    mapped = [r.mapped for part in PARTS for r in chosen[part] if r.mapped]
    found = extract_templates(mapped, config.output, config.workers, say, local=True)
    labels = {part: [found.get(r.mapped or "", NoTemplate("no atom map")) for r in chosen[part]] for part in PARTS}
    counts = frequent_classes((x for x in labels["train"] if isinstance(x, str)), config.minimum_count)
    if not counts:
        raise DataError(f"no train row of {str(config.prepared)!r} has a local template.")
    left_out: dict[str, dict[str, int]] = {}
    rows: dict[str, int] = {}
    for part in PARTS:
        placed, left_out[part] = _placed(chosen[part], labels[part], list(counts))
        placed.save(config.output / "rows" / part)
        rows[part] = len(placed)
        say(f"{part}: {len(placed):,} of {len(chosen[part]):,} rows have a template and a place")
    digest = sha256((config.prepared / "records.parquet").read_bytes()).hexdigest()
    facts = {"templates": counts, "rows": rows, "left_out": left_out, "data_sha256": digest}
    (config.output / "rows" / _FACTS).write_text(json.dumps(facts) + "\n", "utf-8")


def _placed(
    records: Sequence["Record"], labels: Sequence[Any], classes: Sequence[str]
) -> tuple[PlacedRows, dict[str, int]]:
    """Return the rows whose template gives their reactants, with the atoms where it does; and why others are absent."""
    from retort.chem.graphs import molecular_graph
    from retort.chem.templates import NoTemplate, Substrate, Template
    from retort.prompting.task import TASKS

    task, columns = TASKS.get(TASK), {name: i for i, name in enumerate(classes)}
    reasons: Counter[str] = Counter()
    graphs, templates, sites = list[MolecularGraph](), list[int](), list[frozenset[int]]()
    for record, label in zip(records, labels, strict=True):
        if isinstance(label, NoTemplate) or label not in columns:
            reasons[label.reason if isinstance(label, NoTemplate) else "template too rare"] += 1
            continue
        product = task.given(record.reaction)
        atoms = Template(label, "retro").places(Substrate(product)).get(task.wanted(record.reaction))
        if not atoms:
            reasons["template does not give the reactants"] += 1
            continue
        graphs.append(molecular_graph(product))
        templates.append(columns[label])
        sites.append(atoms)
    return PlacedRows.build(graphs, templates, sites), dict(reasons)


def _records(config: TrainPlacerConfig) -> list["Record"]:
    from retort.data.examples import fits
    from retort.data.prepare import read_records
    from retort.prompting.task import TASKS

    records = [r for r in read_records(config.prepared / "records.parquet") if fits(TASKS.get(TASK), r)]
    return [r for r in records if not config.sources or r.source in config.sources]


def _scored(config: TrainPlacerConfig, placer: Placer) -> dict[str, Any]:
    from retort.inference.proposers.template_placer import TemplatePlacer
    from retort.prompting.task import TASKS
    from retort.recipes.score_ranker import score_proposer

    held = [r for r in _records(config) if r.split == "valid_a"]
    return score_proposer(TemplatePlacer(placer), TASKS.get(TASK), held, config.evaluate_rows, config.training.seed)
