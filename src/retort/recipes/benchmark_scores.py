"""Figures of one arm of a benchmark, and what it gains over another: paired, row by row, over all seeds.

What answers is one arm, or the arms of several tasks together whose mean is looked at; both are a list of arms here.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from retort.config import as_dict
from retort.errors import UsageError
from retort.evaluation.over_tasks import paired_over_tasks
from retort.evaluation.seeds import PairedDifference
from retort.models import checkpoint
from retort.recipes.benchmark_results import commit
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study import only_or_all
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_scores import Answers, answers, prediction_files, score_arm, way_figures

METRIC = "exact_match@"
Arms = Sequence[ArmConfig]
Hashes = dict[str, dict[str, str]]


def predictions_sha256(arms: Arms) -> Hashes | None:
    """Return way of decoding -> seed, and task where there are several -> checksum; None where some are not there."""
    if not arms or not all(_is_scored(arm) for arm in arms):
        return None
    found: Hashes = {}
    for beam in shared_beams(arms):
        found[beam.name] = {}
        for number, arm in enumerate(arms):
            before = f"{number}/" if len(arms) > 1 else ""
            found[beam.name] |= {before + place: value for place, value in _checksums(arm, beam.name).items()}
    return found


def _is_scored(arm: ArmConfig) -> bool:
    wanted = len(arm.type_files)
    return all(len(prediction_files(arm, beam.name, seed)) == wanted for beam in arm.beams for seed in arm.seeds)


def _checksums(arm: ArmConfig, way: str) -> dict[str, str]:
    files = {(seed, name): path for seed in arm.seeds for name, path in prediction_files(arm, way, seed).items()}
    return {
        str(seed) if name == way else f"{seed}/{name.removeprefix(way + '.')}": checkpoint.file_sha256(path)
        for (seed, name), path in files.items()
    }


def shared_beams(arms: Arms) -> list[Beam]:
    """Return the ways in which all arms were decoded alike; raises UsageError where there is none."""
    shared = [beam for beam in arms[0].beams if all(beam in other.beams for other in arms[1:])] if arms else []
    if arms and not shared:
        raise UsageError("the arms of a mean share no way of decoding.", "Give their beams the same names and sizes.")
    return shared


def figures(arms: Arms) -> dict[str, Any]:
    """Score arms; return what the file of figures says of them, or of their mean where they are several.

    Raises:
        ModelError: Something was not decoded, or the types or the checkpoint are damaged.
        OutputError: The disk is full or may not be written.
    """
    for arm in arms:
        score_arm(arm)
    types = {path: TypesOfRows.load(path) for arm in arms for path in arm.type_files}
    beams = {beam.name: {**as_dict(beam), "compute": compute(beam)} for beam in shared_beams(arms)}
    ways = {name: way_figures(together(arms, name)) for name in beams}
    tokens = [arm.training.total_tokens for arm in arms for _ in arm.type_files]
    return {
        "task": only_or_all([found.task for found in types.values()]),
        "knowledge": arms[0].knowledge,
        "wording": arms[0].wording,
        "encoding": ", ".join(dict.fromkeys(found.encoding for found in types.values())),
        "types": _only([found.train.types for found in types.values()]),
        "rows": sum(min(arm.rows, len(types[path].train)) for arm in arms for path in arm.type_files),
        "tokens": None if None in tokens else sum(filter(None, tokens)),
        "seeds": list(arms[0].seeds),
        "n": next(iter(ways.values()))["n"],
        "commit": commit(),
        "sha256": {
            "types": only_or_all([found.sha256 for found in types.values()]),
            "start": checkpoint.weights_sha256(arms[0].start_from),
            "predictions": predictions_sha256(arms),
        },
        "ways": {name: {"beam": beams[name], **_without_n(found)} for name, found in ways.items()},
    }


def _only(counts: Sequence[int]) -> int | list[int]:
    return counts[0] if len(counts) == 1 else list(counts)


def _without_n(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "n"}


def together(arms: Arms, way: str) -> Answers:
    """Return task -> predictions of each seed, of all arms; raises UsageError where two answer one task."""
    found: Answers = {}
    for arm in arms:
        for task, seeds in answers(arm, way).items():
            if task in found:
                raise UsageError(f"two arms of a mean answer {task}.", "Name one arm for each task.")
            found[task] = seeds
    return found


def compute(beam: Beam) -> int:
    """Return how many beams a way of decoding follows per row."""
    return beam.beam_size * (beam.top_types if beam.telling == "mixture" else 1)


def compared(arms: Arms, name: str, others: Arms, other_name: str) -> list[dict[str, Any]]:
    """Return what arms gain: over others, way by way at equal compute, and way over way within themselves.

    Args:
        arms: One arm, or those of a mean; their predictions are scored.
        name: Of them.
        others: What they are compared with, scored; empty where there is nothing.
        other_name: Of these.

    Raises:
        UsageError: The two answer different questions.
    """
    beams = shared_beams(arms)
    found = [_difference((other_name, others, _alike(others, beam)), (name, arms, beam)) for beam in beams if others]
    return found + [_difference((name, arms, first), (name, arms, second)) for first, second in combinations(beams, 2)]


def _alike(arms: Arms, beam: Beam) -> Beam:
    """Return the way of arms that follows as many beams as one of other arms, else their first."""
    shared = shared_beams(arms)
    return next((own for own in shared if compute(own) == compute(beam)), shared[0])


def _difference(first: tuple[str, Arms, Beam], second: tuple[str, Arms, Beam]) -> dict[str, Any]:
    """Return second minus first, and of several tasks also task by task."""
    (name, _, way), (_, _, other) = first, second
    before, after = (together(arms, beam.name) for _, arms, beam in (first, second))
    top_k = min(predictions[0].header.top_k for answers_ in (before, after) for predictions in answers_.values())
    found = {"way": other.name, "than": {"arm": name, "way": way.name}}
    gains = _exact(paired_over_tasks(before, after, top_k))
    if len(after) == 1:
        return {**found, **gains}
    alone = {t: _exact(paired_over_tasks({t: before[t]}, {t: after[t]}, top_k)) for t in after}
    return {**found, **gains, "by_task": alone}


def _exact(gains: Mapping[str, PairedDifference]) -> dict[str, Any]:
    return {metric: gain.as_dict() for metric, gain in gains.items() if metric.startswith(METRIC)}
