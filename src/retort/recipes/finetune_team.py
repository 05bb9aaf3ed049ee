"""Who answers a task after its language model was fine-tuned: what is kept of the model, and what is chosen anew.

Kept: the other proposers of the task, the weights of the vote, and the re-ranker if it names the language model as a
proposer only. It was fitted to the model as it was, so it stays only where part A of the user's rows does not speak for
the language model alone. The confidence goes: it is fitted anew on part C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.splits import TRAIN
from retort.errors import UsageError
from retort.inference.model_folder import ModelCard, ModelFolder, ProposerEntry, TaskEntry
from retort.inference.questions import membership_key, read_seen, write_seen
from retort.inference.reranking.reranker import Reranker
from retort.prompting.task import Task
from retort.recipes.card import Card

_KIND = "language_model"
_ABOUT = (
    "{name} is {base} with a language model that was fine-tuned for {task} on {file}. That task is answered as "
    "measured below; every other task is answered by what {base} {release} has for it, unchanged, and its card has the "
    "figures."
)


@dataclass(frozen=True)
class Team:
    """The proposers of one task, with a fine-tuned language model among them.

    Attributes:
        base: Name of the model that was begun with.
        release: Its release.
        entry: What the model says of the task; a fresh entry where it does not know it.
        old: Name of the language model whose place is taken; also whose settings are taken over.
        language_model: Name of the fine-tuned one.
        settings: How it is asked.
        seen: Keys of the questions the model was trained on; None where it does not tell.
        reranker: File that orders the candidates; None where there is none, or it may not stay.
        dropped: Why the model's own re-ranker may not stay; empty where it may, or there is none.
        figures: Top-1 of the whole team and of the language model alone on the rows of the choice.
    """

    base: str
    release: str
    entry: TaskEntry
    old: str
    language_model: str
    settings: ProposerEntry
    seen: Path | None
    reranker: Path | None
    dropped: str = ""
    figures: tuple[float, float] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The proposers of the whole team, the fine-tuned language model in the place of the old one."""
        named = tuple(self.language_model if name == self.old else name for name in self.entry.proposers)
        return named or (self.language_model,)

    @property
    def alone(self) -> bool:
        """Whether the language model is the whole team."""
        return self.names == (self.language_model,)

    @property
    def asked(self) -> str | None:
        """Whom to ask of the draft, which has the whole team: the language model alone, or None for the team."""
        return self.language_model if not self.alone and self.figures and self.figures[1] > self.figures[0] else None

    def chosen(self, whole: float, alone: float) -> "Team":
        """Return the team that knows how right it is, whole and in its language model alone, on the rows of part A."""
        return self if self.alone else replace(self, figures=(whole, alone))

    def proposers(self, exported: Path) -> dict[str, Any]:
        """Return what a model folder says of the fine-tuned language model."""
        kept = ("engine", "augmentations", "beam_size", "uses_class")
        values = {key: getattr(self.settings, key) for key in kept}
        return {self.language_model: {"kind": _KIND, "path": exported, **values}}

    def task(self, seen: Path, confidence: Path | None = None) -> dict[str, Any]:
        """Return what a model folder says of the task: who answers, and who answers only when asked by name."""
        names = (self.asked,) if self.asked else self.names
        known = (*self.names, self.language_model, *self.entry.on_request)
        others = dict.fromkeys(name for name in known if name not in names)
        values: dict[str, Any] = {
            "trained": True,
            "proposers": names,
            "on_request": [name for name in others if name != self.old or self.old == self.language_model],
            "rank_offset": self.entry.rank_offset,
            "weights": {self._new(name): weight for name, weight in (self.entry.weights or {}).items()},
            "notes": self.entry.notes,
            "stereo_note": self.entry.stereo_note,
            "seen": seen,
        }
        parts = {"reranker": None if self.asked else self.reranker, "calibration": confidence}
        return values | {key: path for key, path in parts.items() if path is not None}

    def write_seen(self, path: Path, task: Task, prepared: Path) -> Path:
        """Write the keys of all train questions: the model's own and those of the prepared folder."""
        records = read_records(prepared / "records.parquet")
        own = [
            membership_key(task, task.given(record.reaction))
            for record in records
            if record.split == TRAIN and fits(task, record)
        ]
        before = np.zeros(0, np.uint32) if self.seen is None else read_seen(self.seen)
        write_seen(path, (int(key) for key in (*before, *own)))
        return path

    def notes(self) -> tuple[str, ...]:
        """Return how the team came about, as sentences."""
        found = [self.dropped] if self.dropped else []
        if self.figures:
            whole, alone = (f"{100 * value:.1f} %" for value in self.figures)
            who = "the language model alone answers" if self.asked else "all of them answer"
            found.append(
                f"On the rows of the choice {', '.join(self.names)} together have {whole} top-1 and the fine-tuned "
                f"language model alone {alone}: {who}."
            )
        if self.reranker and not self.asked:
            found.append("The re-ranker is that of the model before; it was not fitted anew.")
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        choice = None if self.figures is None else dict(zip(("team", "alone"), self.figures, strict=True))
        return {
            "proposers": [self.asked] if self.asked else list(self.names),
            "reranked": self.reranker is not None and not self.asked,
            "choice_top_1": choice,
            "spellings": self.settings.augmentations,
            "beams": self.settings.beam_size,
        }

    def _new(self, name: str) -> str:
        return self.language_model if name == self.old else name


def team_of(model: ModelFolder, task: str) -> Team:
    """Return the team of a task of a model.

    Raises:
        UsageError: The model has no language model of its own.
        ModelError: A file of the model is missing or damaged.
    """
    card = model.card
    entry = card.tasks.get(task) or TaskEntry(trained=False)
    old = _language_model(card, entry)
    shared = any(old in (*other.proposers, *other.on_request) for name, other in card.tasks.items() if name != task)
    name = f"{task}_{_KIND}" if shared else old
    seen = None if entry.seen is None else model.file(entry.seen)
    reranker, dropped = _reranker(model, entry, name, old)
    return Team(card.name, card.release, entry, old, name, card.proposers[old], seen, reranker, dropped)


def _language_model(card: ModelCard, entry: TaskEntry) -> str:
    """Return the name of the language model that a task asks, or might ask; else of any that the model has."""
    names = (*entry.proposers, *entry.on_request, *card.proposers)
    found = next((name for name in names if card.proposers[name].kind == _KIND), None)
    if found is None:
        raise UsageError(f"model {card.name!r} has no language model to fine-tune.", "Name another with --model.")
    return found


def _reranker(model: ModelFolder, entry: TaskEntry, name: str, old: str) -> tuple[Path | None, str]:
    """Return the re-ranker that may stay, and why the model's own one may not."""
    if entry.reranker is None:
        return None, ""
    path = model.file(entry.reranker)
    meta = Reranker.load(path).meta
    if old in meta.weights_sha256 or meta.proposers != tuple(name if p == old else p for p in entry.proposers):
        return None, "The re-ranker of the model was fitted to the language model before, so it is left out."
    return path, ""


def card_of(
    model: str, task: str, file: str, figures: Sequence[Mapping[str, Any]], fitted: Path | None, name: str, about: str
) -> dict[str, Any]:
    """Return what the card of the fine-tuned model says anew; figures of the model before do not hold for it.

    Args:
        model: The model that was begun with.
        task: The task that was tuned.
        file: Name of the user's file.
        figures: Labels and reports.
        fitted: The new confidence, if there is one.
        name: Of the new model.
        about: The page's section on before and after.
    """
    folder = ModelFolder.open(model)
    base, release = folder.card.name, folder.card.release
    return {
        "introduction": _ABOUT.format(name=name, base=base, task=task, file=file, release=release),
        "measured": "`retort finetune`; see Before and after.",
        "figures": list(figures),
        "without": [figure.label for figure in Card.load(folder.path).figures],
        "calibrations": [] if fitted is None else [fitted.with_suffix(".report.json")],
        "unsure": [task],
        "reproduce": [f"retort finetune {file} --task {task} --model {base}"],
        "sections": {"Before and after": about},
    }
