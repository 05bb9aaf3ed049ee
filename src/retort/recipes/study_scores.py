"""Score what an arm has decoded: a predictions file per seed and way of decoding, and the figures of the arm."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retort.evaluation import predictions as files
from retort.evaluation.seeds import pooled
from retort.evaluation.upstream import upstream_scores_of
from retort.inference.proposer import Proposals, TypeRead
from retort.inference.proposers.language_model import Decoding, LanguageModel, Way
from retort.models.recorded import RecordedSeq2Seq
from retort.prompting.task import Question
from retort.recipes.study import Arm
from retort.recipes.study_config import ArmConfig, Beam

TOP_K = 10


@dataclass(frozen=True, eq=False)
class Judged:
    """An arm whose answers are scored.

    Attributes:
        folder: Of the arm.
        predictions: Way of decoding -> predictions of each seed.
    """

    folder: Path
    predictions: dict[str, list[files.Predictions]]


def score_arm(config: ArmConfig) -> Judged:
    """Write ``seed-<n>/<way>.jsonl`` of every seed and way, and ``figures.json``.

    Raises:
        ModelError: Something was not decoded, or the types or the checkpoint are damaged.
        OutputError: The disk is full or may not be written.
    """
    arm = Arm.open(config)
    arm.measure()
    found = {
        beam.name: [files.read(_predicted(arm, beam, config.output / f"seed-{seed}")) for seed in config.seeds]
        for beam in config.beams
    }
    figures = {name: _figures(seeds) for name, seeds in found.items()}
    text = json.dumps({"seeds": list(config.seeds), "figures": figures}, indent=1)
    (config.output / "figures.json").write_text(text + "\n", "utf-8")
    return Judged(config.output, found)


def _figures(seeds: Sequence[files.Predictions]) -> dict[str, Any]:
    upstream = [upstream_scores_of(predictions).as_dict() for predictions in seeds]
    return {
        "n": len(seeds[0].rows),
        **{name: figure.as_dict() for name, figure in pooled(seeds, seeds[0].header.top_k).items()},
        "upstream": {name: float(np.mean([scores[name] for scores in upstream])) for name in upstream[0]},
        "distinct@10": float(np.mean([len({c.smiles for c in row.candidates}) for p in seeds for row in p.rows])),
    }


def _predicted(arm: Arm, beam: Beam, place: Path) -> Path:
    """Write the predictions of one seed and way of decoding, whole or not at all; return the file."""
    path = place / f"{beam.name}.jsonl"
    if path.is_file():
        return path
    engine = RecordedSeq2Seq([place / f"{beam.name}.npz"])
    decoding = Decoding(beam_size=beam.beam_size, max_target_tokens=arm.config.max_length)
    model = LanguageModel(engine, arm.vocabulary, decoding, prompt=arm.prompts.text)
    rows = [[Way(q, weight, _read(q, weight)) for q, weight in ways] for ways in arm.wordings(arm.judged, beam)]
    top_k = min(TOP_K, beam.beam_size)
    answers = model.propose_mixed(rows, top_k)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    header = files.Header(arm.types.task, f"{arm.config.knowledge}, {beam.name}", top_k)
    with files.PredictionWriter(draft, header) as writer:
        for place_, (question, (_, target), said) in enumerate(
            zip(arm.questions(arm.judged), arm.judged.pairs, answers, strict=True)
        ):
            wanted = arm.vocabulary.decode([int(token) for token in target])
            writer.write(_row(place_, question, wanted, said))
    draft.replace(path)
    return path


def _read(question: Question, weight: float) -> TypeRead | None:
    return TypeRead(question.reaction_types[0], "", weight) if question.reaction_types else None


def _row(place: int, question: Question, target: str, said: Proposals) -> files.Prediction:
    candidates = tuple(files.Candidate(c.smiles, c.score, c.proposer) for c in said.candidates)
    status: files.Status = "ok" if candidates else "no_answer"
    dropped = ", ".join(f"{reason} ({n})" for reason, n in said.unreadable.items())
    message = "" if candidates else f"no valid candidate; dropped: {dropped or 'none'}."
    return files.Prediction(place, question.given, target, status, message, candidates)
