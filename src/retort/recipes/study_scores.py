"""Score what an arm has decoded: a predictions file per seed, way of decoding and task, and the figures of the arm."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from retort.evaluation import predictions as files
from retort.evaluation.over_tasks import pooled_over_tasks
from retort.evaluation.upstream import upstream_scores_of
from retort.inference.proposer import Proposals, TypeRead
from retort.inference.proposers.language_model import Decoding, LanguageModel, Way
from retort.models.recorded import RecordedSeq2Seq
from retort.prompting.task import Question
from retort.recipes.study import Arm
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_rows import RowsOfTask

TOP_K = 10
Answers: TypeAlias = dict[str, list[files.Predictions]]


@dataclass(frozen=True, eq=False)
class Judged:
    """An arm whose answers are scored.

    Attributes:
        folder: Of the arm.
        predictions: Way of decoding -> task -> predictions of each seed.
        figures: Way of decoding -> figures of it as :func:`way_figures` has them.
    """

    folder: Path
    predictions: dict[str, Answers]
    figures: dict[str, dict[str, Any]]


def score_arm(config: ArmConfig) -> Judged:
    """Write the predictions of every seed, way and task, and ``figures.json``; see :func:`prediction_files`.

    Raises:
        ModelError: Something was not decoded, or the types or the checkpoint are damaged.
        OutputError: The disk is full or may not be written.
    """
    arm = Arm.open(config)
    arm.measure(train=False)
    for beam in config.beams:
        for seed in config.seeds:
            for rows in arm.tasks:
                _predict(rows, beam, config.output / f"seed-{seed}")
    found = {beam.name: answers(config, beam.name) for beam in config.beams}
    figures = {name: way_figures(tasks) for name, tasks in found.items()}
    text = json.dumps({"seeds": list(config.seeds), "figures": figures}, indent=1)
    (config.output / "figures.json").write_text(text + "\n", "utf-8")
    return Judged(config.output, found, figures)


def prediction_files(config: ArmConfig, way: str, seed: int) -> dict[str, Path]:
    """Return the files of predictions of one seed and way of decoding that are there, by their names without suffix.

    They are ``seed-<n>/<way>.jsonl``, and ``seed-<n>/<way>.<task>.jsonl`` where an arm has several tasks.
    """
    place = config.output / f"seed-{seed}"
    found = [place / f"{way}.jsonl"] if len(config.type_files) == 1 else sorted(place.glob(f"{way}.*.jsonl"))
    return {path.stem: path for path in found if path.is_file()}


def answers(config: ArmConfig, way: str) -> Answers:
    """Return task -> predictions of each seed of a scored arm in one way of decoding."""
    found: Answers = {}
    for seed in config.seeds:
        for path in prediction_files(config, way, seed).values():
            predictions = files.read(path)
            found.setdefault(predictions.header.task, []).append(predictions)
    return found


def way_figures(tasks: Answers) -> dict[str, Any]:
    """Return number of rows, figures with intervals and the published metrics, ready for JSON.

    Of several tasks these are means over the tasks, and ``by_task`` holds those of each.
    """
    if len(tasks) > 1:
        by_task = {task: way_figures({task: seeds}) for task, seeds in tasks.items()}
        own = [found["upstream"] for found in by_task.values()]
        upstream = {name: float(np.mean([scores[name] for scores in own])) for name in own[0]}
        distinct = float(np.mean([found["distinct@10"] for found in by_task.values()]))
        more: dict[str, Any] = {"by_task": by_task}
    else:
        ((_, seeds),) = tasks.items()
        scores = [upstream_scores_of(predictions).as_dict() for predictions in seeds]
        upstream = {name: float(np.mean([found[name] for found in scores])) for name in scores[0]}
        distinct = float(np.mean([len({c.smiles for c in row.candidates}) for p in seeds for row in p.rows]))
        more = {}
    top_k = min(seeds[0].header.top_k for seeds in tasks.values())
    return {
        "n": sum(len(seeds[0].rows) for seeds in tasks.values()),
        **{name: figure.as_dict() for name, figure in pooled_over_tasks(tasks, top_k).items()},
        "upstream": upstream,
        "distinct@10": distinct,
        **more,
    }


def _predict(rows: RowsOfTask, beam: Beam, place: Path) -> None:
    """Write the predictions of one seed, way of decoding and task, whole or not at all, where they are not there."""
    config = rows.config
    path = place / (f"{beam.name}.jsonl" if len(config.type_files) == 1 else f"{beam.name}.{rows.task}.jsonl")
    if path.is_file():
        return
    engine = RecordedSeq2Seq([place / f"{beam.name}.npz"])
    decoding = Decoding(beam_size=beam.beam_size, max_target_tokens=config.max_length)
    model = LanguageModel(engine, rows.vocabulary, decoding, prompt=rows.prompts.text)
    asked = [[Way(q, weight, _read(q, weight)) for q, weight in ways] for ways in rows.wordings(rows.judged, beam)]
    top_k = min(TOP_K, beam.beam_size)
    said = model.propose_mixed(asked, top_k)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    header = files.Header(rows.task, f"{config.knowledge}, {beam.name}", top_k)
    questions, pairs = rows.questions(rows.judged), rows.judged.pairs
    with files.PredictionWriter(draft, header) as writer:
        for number, (question, (_, target), found) in enumerate(zip(questions, pairs, said, strict=True)):
            wanted = rows.vocabulary.decode([int(token) for token in target])
            writer.write(_row(number, question, wanted, found))
    draft.replace(path)


def _read(question: Question, weight: float) -> TypeRead | None:
    return TypeRead(question.reaction_types[0], "", weight) if question.reaction_types else None


def _row(place: int, question: Question, target: str, said: Proposals) -> files.Prediction:
    candidates = tuple(files.Candidate(c.smiles, c.score, c.proposer) for c in said.candidates)
    status: files.Status = "ok" if candidates else "no_answer"
    dropped = ", ".join(f"{reason} ({n})" for reason, n in said.unreadable.items())
    message = "" if candidates else f"no valid candidate; dropped: {dropped or 'none'}."
    return files.Prediction(place, question.given, target, status, message, candidates)
