"""What a programme can run: each recipe with its configuration, its function, and how time limits it.

Modules are imported when a step runs, so a machine without RDKit, polars and pydantic can run those that train.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from retort.config import build, option
from retort.recipes.entry import UnfinishedError

Values = dict[str, Any]
Budget = Callable[[Values, float, float | None], Values]


@dataclass(frozen=True)
class Recipe:
    """A function of one configuration that returns the path of what it made.

    Attributes:
        module: Where configuration and function are defined.
        schema: Name of the configuration's dataclass.
        function: Name of the function.
        budget: How minutes, and a rate of rows per minute, change the configuration; None where time changes nothing.
    """

    module: str
    schema: str
    function: str
    budget: Budget | None = None

    def budgeted(self, values: Values, minutes: float | None, rate: float | None) -> Values:
        """Return the configuration for a step that has so many minutes."""
        return values if minutes is None or self.budget is None else self.budget(values, minutes, rate)

    def perform(self, values: Values) -> Path:
        """Run the recipe.

        Raises:
            UnfinishedError: It was asked to end before it was done.
            RetortError: It failed.
        """
        path = self.run(values, self.function)
        if path.name == "last":
            raise UnfinishedError(f"training was asked to end; the same command goes on from {path}.")
        return path

    def run(self, values: Values, where: str) -> Path:
        """Build the configuration and call the function; ``where`` names the configuration in messages."""
        module = import_module(self.module)
        return Path(getattr(module, self.function)(build(getattr(module, self.schema), values, where)))


@dataclass(frozen=True)
class ExportConfig:
    """A checkpoint to turn into a model folder."""

    checkpoint: Path = option(help="folder that training or averaging wrote")
    output: Path = option(help="model folder to write")


@dataclass(frozen=True)
class EvaluationConfig:
    """Rows to answer, and where predictions and report go."""

    task: str = option(help="name or alias of a task")
    input: Path = option(help="table with the columns input and target")
    output: Path = option(help="folder that receives rows.csv, predictions.jsonl and report.json")
    model: str = option(help="embedded model or model folder")
    proposer: str | None = option(None, help="ask this proposer alone")
    augmentations: int | None = option(None, help="spellings per query of language models")
    rows: int | None = option(None, help="a seeded sample of so many rows; all of them by default")
    seed: int = option(0, help="seed of the sample")


@dataclass(frozen=True)
class AuditConfig:
    """A prepared folder whose train rows are held against every held-out row."""

    folder: Path = option(help="prepared folder")
    output: Path = option(help="folder that receives audit.json")
    workers: int = option(1, help="processes")
    benchmarks: bool = option(True, help="hold them against the published benchmarks below the data root too")


def audit_folder(config: AuditConfig) -> Path:
    """Count what of the held-out rows occurs among the train rows; return ``audit.json``."""
    import json

    from retort.recipes.audit import held_out_overlap

    counts = held_out_overlap(config.folder, benchmarks=config.benchmarks, workers=config.workers)
    config.output.mkdir(parents=True, exist_ok=True)
    path = config.output / "audit.json"
    path.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")
    return path


def export_checkpoint(config: ExportConfig) -> Path:
    """Export a checkpoint for CTranslate2; return the model folder."""
    from retort.recipes.export import export

    return export(config.checkpoint, "ctranslate2", config.output).folder


def evaluate_rows(config: EvaluationConfig) -> Path:
    """Answer and score rows; return the folder of predictions and report."""
    import json

    from retort.data.tables import read_table
    from retort.inference.predictor import Predictor
    from retort.recipes.evaluate import EvaluateRequest, evaluate

    config.output.mkdir(parents=True, exist_ok=True)
    table = read_table(config.input)
    if config.rows is not None and config.rows < len(table):
        table = table.with_row_index().sample(config.rows, seed=config.seed).sort("index").drop("index")
    rows = config.output / "rows.csv"
    table.write_csv(rows)
    predictor = Predictor.load(config.model, proposer=config.proposer, augmentations=config.augmentations)
    request = EvaluateRequest(config.task, rows, predictions=config.output / "predictions.jsonl")
    report = evaluate(predictor, request).report.as_dict()
    (config.output / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", "utf-8")
    return config.output


def _train_for(values: Values, minutes: float, _: float | None) -> Values:
    training = {key: value for key, value in values.get("training", {}).items() if key != "total_tokens"}
    return {**values, "training": {**training, "budget_minutes": minutes}}


def _decode_for(values: Values, minutes: float, _: float | None) -> Values:
    return {**values, "budget_minutes": minutes}


def _read_for(values: Values, minutes: float, rate: float | None) -> Values:
    """Scale the share of train rows that is read down to what the time allows."""
    if rate is None:
        return values
    from retort.data.source import SOURCES

    def rows(source: Mapping[str, Any]) -> float:
        return float(source.get("fraction", 1.0)) * sum(SOURCES.get(source["name"]).rows.values())

    scale = min(1.0, minutes * rate / sum(map(rows, values["sources"])))
    sources = [{**source, "fraction": scale * source.get("fraction", 1.0)} for source in values["sources"]]
    return {**values, "sources": sources}


def _answer_for(values: Values, minutes: float, rate: float | None) -> Values:
    if rate is None:
        return values
    return {**values, "rows": max(1, min(values.get("rows", minutes * rate), int(minutes * rate)))}


def _fit_for(values: Values, minutes: float, rate: float | None) -> Values:
    """Take the first rows of each of the two parts that a re-ranker needs."""
    return values if rate is None else {**values, "rows": max(20, int(minutes * rate / 2))}


RECIPES: dict[str, Recipe] = {
    "prepare": Recipe("retort.recipes.prepare", "PrepareConfig", "prepare", _read_for),
    "train": Recipe("retort.recipes.train", "TrainConfig", "train", _train_for),
    "train_graph_encoder": Recipe(
        "retort.recipes.train_graph_encoder", "TrainGraphEncoderConfig", "train_graph_encoder"
    ),
    "train_stages": Recipe("retort.recipes.train_stages", "TrainStagesConfig", "train_stages"),
    "train_ranker": Recipe("retort.recipes.train_ranker", "TrainRankerConfig", "train_ranker"),
    "train_placer": Recipe("retort.recipes.train_placer", "TrainPlacerConfig", "train_placer"),
    "train_boosted": Recipe("retort.recipes.train_boosted", "TrainBoostedConfig", "train_boosted"),
    "train_classifier": Recipe("retort.recipes.train_classifier", "TrainClassifierConfig", "train_classifier"),
    "train_selection": Recipe("retort.recipes.train_selection", "TrainSelectionConfig", "train_selection"),
    "train_values": Recipe("retort.recipes.train_values", "TrainValuesConfig", "train_values"),
    "train_baseline": Recipe("retort.recipes.train_baseline", "TrainBaselineConfig", "train_baseline"),
    "elicit": Recipe("retort.recipes.elicit", "ElicitConfig", "elicit"),
    "average": Recipe("retort.recipes.average", "AverageConfig", "average"),
    "decode": Recipe("retort.recipes.decode", "DecodeConfig", "decode", _decode_for),
    "export": Recipe("retort.recipes.steps", "ExportConfig", "export_checkpoint"),
    "fit_reranker": Recipe("retort.recipes.fit_reranker", "FitRerankerConfig", "fit_reranker", _fit_for),
    "audit": Recipe("retort.recipes.steps", "AuditConfig", "audit_folder"),
    "calibrate": Recipe("retort.recipes.calibrate", "CalibrateConfig", "calibrate"),
    "evaluate": Recipe("retort.recipes.steps", "EvaluationConfig", "evaluate_rows", _answer_for),
    "release": Recipe("retort.recipes.release", "ReleaseConfig", "release"),
    "extend": Recipe("retort.recipes.extend", "ExtendConfig", "extend"),
    "replay": Recipe("retort.recipes.replay", "ReplayConfig", "replay"),
}
