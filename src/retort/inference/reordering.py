"""The re-rankers of a model folder: which answers they order, and how a pool becomes a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from retort.errors import ModelError
from retort.inference.model_folder import ModelFolder
from retort.inference.pooling import Pool
from retort.inference.proposer import Proposal, Proposer
from retort.inference.reranking.evidence import Experts, Judge, Scorer
from retort.inference.reranking.reranker import Reranker


class Rerankers:
    """Each file is read when its task is first asked."""

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self._read: dict[str, Reranker] = {}

    def fitting(
        self, task: str, proposers: Sequence[str], augmentations: int | None, *, class_given: bool
    ) -> Reranker | None:
        """Return the re-ranker of a task if it was fitted for answers made like this; see :func:`applies`.

        Raises:
            ModelError: The file is missing or damaged, or was fitted for other proposers or another language model.
        """
        file = self._folder.card.tasks[task].reranker
        if file is None or not applies(self._folder, task, proposers, augmentations, class_given=class_given):
            return None
        if file not in self._read:
            self._read[file] = self._checked(task, Reranker.load(self._folder.file(file)))
        return self._read[file]

    def _checked(self, task: str, found: Reranker) -> Reranker:
        meta, card = found.meta, self._folder.card
        if (meta.task, meta.proposers) != (task, card.tasks[task].proposers):
            raise ModelError(
                f"model {card.name!r}: the re-ranker of {task} was fitted for {meta.task} answers of "
                f"{', '.join(meta.proposers)}.",
                "Fit it again: python -m retort.recipes.fit_reranker.",
            )
        for name, expected in meta.weights_sha256.items():
            if weights_digest(self._folder, name) != expected:
                raise ModelError(
                    f"model {card.name!r}: the re-ranker of {task} was fitted with another {name!r}.",
                    "Fit it again: python -m retort.recipes.fit_reranker.",
                )
        return found


@dataclass(frozen=True, slots=True)
class Reordering:
    """A re-ranker with those whom it asks."""

    reranker: Reranker
    experts: Experts

    def apply(self, head: Pool, tail: Pool) -> list[Proposal]:
        """Return the whole ranking: the head ordered anew, then what the tail adds, in its own order.

        Args:
            head: The pool of the size that the re-ranker was fitted to.
            tail: A pool at least as large; its scores are lowered to the last score of the head where they are above.
        """
        ranked = self.reranker.rerank(head.question, head.merged, head.rankings, self.experts)
        known = {proposal.answer for proposal in ranked}
        added = [proposal for proposal in tail.merged if proposal.answer not in known]
        last = ranked[-1].score if ranked else 0.0
        return ranked + [replace(proposal, score=min(last, proposal.score)) for proposal in added]


def applies(
    folder: ModelFolder, task: str, proposers: Sequence[str], augmentations: int | None, *, class_given: bool
) -> bool:
    """Tell whether answers made like this are re-ranked: by the default team, as it is, without a reaction class."""
    card = folder.card
    entry = card.tasks[task]
    changed = augmentations is not None and any(card.proposers[name].kind == "language_model" for name in proposers)
    return entry.reranker is not None and tuple(proposers) == entry.proposers and not class_given and not changed


def weights_digest(folder: ModelFolder, name: str) -> str:
    """Return a checksum over the files of a proposer.

    Raises:
        ModelError: The folder has no such proposer, or it has no files.
    """
    entry = folder.card.proposers.get(name)
    if entry is None or (entry.folder or entry.file) is None:
        raise ModelError(f"model {folder.card.name!r} has no proposer {name!r} with files.")
    inside = f"{(entry.folder or '').rstrip('/')}/"
    files = {file: sha for file, sha in folder.card.files.items() if file == entry.file or file.startswith(inside)}
    return sha256("".join(files[file] for file in sorted(files)).encode()).hexdigest()


def experts(scorer: tuple[str, Proposer] | None, judge: tuple[str, Proposer] | None) -> Experts:
    """Return named proposers in the parts that they play; raises ModelError where one cannot play its part."""
    found: dict[str, Any] = {}
    for part, given, role in (("scorer", scorer, Scorer), ("judge", judge, Judge)):
        if given is not None and not isinstance(given[1], role):
            raise ModelError(f"proposer {given[0]!r} cannot serve a re-ranker as its {part}.")
        found[part] = given and given[1]
    return Experts(**found)
