"""Confidence of a model's answers: only where a calibration was fitted for answers made in exactly this way."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from retort.evaluation.calibration import Calibration
from retort.inference.model_folder import ModelFolder
from retort.inference.prediction import Candidate
from retort.inference.proposer import Proposal
from retort.inference.reordering import applies


class Calibrations:
    """The calibrations of a model folder; each file is read when its task is first asked."""

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self._read: dict[str, Calibration] = {}

    def fitting(
        self, task: str, proposers: Sequence[str], augmentations: int | None, *, class_given: bool
    ) -> Calibration | None:
        """Return the calibration of a task if it was fitted for answers made like this; see :func:`made_by`.

        Raises:
            ModelError: The file is missing or damaged.
        """
        file = self._folder.card.tasks[task].calibration
        if file is None:
            return None
        if file not in self._read:
            self._read[file] = Calibration.load(self._folder.file(file))
        found = self._read[file]
        asked = made_by(self._folder, task, proposers, augmentations, class_given=class_given)
        return found if found.task == task and found.fitted_for == asked else None


def made_by(
    folder: ModelFolder, task: str, proposers: Sequence[str], augmentations: int | None, *, class_given: bool
) -> dict[str, Any]:
    """Describe what makes an answer; two answers with one description have comparable scores.

    Args:
        folder: The model.
        task: Name of the task.
        proposers: Those that are asked, by their names in ``model.json``.
        augmentations: Spellings per question of language models, where they are not the model's own number.
        class_given: Whether a reaction class is known and used.
    """
    entry = folder.card.tasks[task]
    weights = {name: (entry.weights or {}).get(name, 1.0) for name in sorted(proposers)}
    reranked = applies(folder, task, proposers, augmentations, class_given=class_given)
    return {
        "proposers": {name: _digest(folder, name, augmentations) for name in sorted(proposers)},
        "merging": {"weights": weights, "rank_offset": entry.rank_offset} if len(proposers) > 1 else None,
        "reranker": folder.card.files.get(entry.reranker or "") if reranked else None,
        "class_given": class_given,
    }


def with_confidence(ranked: Sequence[Proposal], calibration: Calibration | None) -> tuple[Candidate, ...]:
    """Return a whole ranking as candidates, with their confidence where there is a calibration."""
    confidences: Sequence[float | None] = [None] * len(ranked)
    if calibration is not None:
        confidences = calibration.confidences([p.score for p in ranked], [p.proposer for p in ranked])
    pairs = enumerate(zip(ranked, confidences, strict=True), start=1)
    return tuple(
        Candidate(rank, p.smiles, p.score, p.proposer, confidence, p.reaction_type, p.text, p.value, p.interval)
        for rank, (p, confidence) in pairs
    )


def _digest(folder: ModelFolder, name: str, augmentations: int | None) -> str:
    """Return a checksum over a proposer's files and settings."""
    entry, files = folder.card.proposers[name], folder.card.files
    settings: list[Any] = [entry.kind]
    if entry.folder is None:
        settings.append(files.get(entry.file or ""))
    else:
        inside = "" if entry.folder == "." else f"{entry.folder.rstrip('/')}/"
        settings += [entry.engine, entry.beam_size, augmentations or entry.augmentations]
        settings += [] if entry.patience == 1 else [entry.patience]
        settings += sorted((file.removeprefix(inside), files[file]) for file in files if file.startswith(inside))
    return sha256(json.dumps(settings).encode()).hexdigest()
