"""Figures of one arm of a benchmark, and what it gains over another: paired, row by row, over all seeds."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from retort.config import as_dict
from retort.evaluation import predictions as files
from retort.evaluation.seeds import paired
from retort.models import checkpoint
from retort.recipes.benchmark_results import commit
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_scores import score_arm

METRIC = "exact_match@"
Hashes = dict[str, dict[str, str]]


def predictions_sha256(arm: ArmConfig) -> Hashes | None:
    """Return way of decoding -> seed -> checksum of the predictions; None where some are not there."""
    paths = {beam.name: {str(seed): _path(arm, beam.name, seed) for seed in arm.seeds} for beam in arm.beams}
    if not all(path.is_file() for seeds in paths.values() for path in seeds.values()):
        return None
    return {way: {seed: checkpoint.file_sha256(path) for seed, path in seeds.items()} for way, seeds in paths.items()}


def figures(arm: ArmConfig) -> dict[str, Any]:
    """Score an arm; return what the file of figures says of it.

    Raises:
        ModelError: Something was not decoded, or the types or the checkpoint are damaged.
        OutputError: The disk is full or may not be written.
    """
    judged, types = score_arm(arm), TypesOfRows.load(arm.row_types)
    start = checkpoint.weights_sha256(arm.start_from)
    ways = {name: {key: value for key, value in found.items() if key != "n"} for name, found in judged.figures.items()}
    beams = {beam.name: {**as_dict(beam), "compute": compute(beam)} for beam in arm.beams}
    return {
        "task": types.task,
        "knowledge": arm.knowledge,
        "wording": arm.wording,
        "encoding": types.encoding,
        "types": types.train.types,
        "rows": min(arm.rows, len(types.train)),
        "tokens": arm.training.total_tokens,
        "seeds": list(arm.seeds),
        "n": judged.figures[arm.beams[0].name]["n"],
        "commit": commit(),
        "sha256": {"types": types.sha256, "start": start, "predictions": predictions_sha256(arm)},
        "ways": {name: {"beam": beams[name], **found} for name, found in ways.items()},
    }


def compute(beam: Beam) -> int:
    """Return how many beams a way of decoding follows per row."""
    return beam.beam_size * (beam.top_types if beam.telling == "mixture" else 1)


def compared(arm: ArmConfig, name: str, other: ArmConfig | None, other_name: str) -> list[dict[str, Any]]:
    """Return what an arm gains: over another arm, way by way at equal compute, and way over way within itself.

    Args:
        arm: The arm; its predictions are scored.
        name: Of the arm.
        other: The arm it is compared with, scored; None where there is none.
        other_name: Of that arm.

    Raises:
        UsageError: The two answer different questions.
    """
    found = []
    for beam in arm.beams if other is not None else ():
        assert other is not None
        found.append(_difference((other_name, other, _alike(other, beam)), (name, arm, beam)))
    return found + [
        _difference((name, arm, first), (name, arm, second)) for first, second in combinations(arm.beams, 2)
    ]


def _alike(arm: ArmConfig, beam: Beam) -> Beam:
    """Return the way of an arm that follows as many beams as one of another arm, else its first."""
    return next((own for own in arm.beams if compute(own) == compute(beam)), arm.beams[0])


def _difference(first: tuple[str, ArmConfig, Beam], second: tuple[str, ArmConfig, Beam]) -> dict[str, Any]:
    """Return second minus first."""
    (name, _, way), (_, _, other) = first, second
    before, after = (_predictions(arm, beam) for _, arm, beam in (first, second))
    top_k = min(before[0].header.top_k, after[0].header.top_k)
    gains = paired(before, after, top_k)
    figures = {metric: gain.as_dict() for metric, gain in gains.items() if metric.startswith(METRIC)}
    return {"way": other.name, "than": {"arm": name, "way": way.name}, **figures}


def _predictions(arm: ArmConfig, beam: Beam) -> Sequence[files.Predictions]:
    return [files.read(_path(arm, beam.name, seed)) for seed in arm.seeds]


def _path(arm: ArmConfig, way: str, seed: int) -> Path:
    return arm.output / f"seed-{seed}" / f"{way}.jsonl"
