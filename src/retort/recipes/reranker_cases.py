"""Candidates of held-out rows with all their columns, kept in files so that a fit can be interrupted and repeated.

Blocks of rows are kept under the digest of what made them: pools and plain columns depend on the proposers, the
likelihoods also on the language model, so that another language model costs its own columns only.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from retort.errors import ModelError
from retort.inference.loading import load_proposers
from retort.inference.model_folder import ModelFolder
from retort.inference.pooling import POOL, Asked, Pool, pools
from retort.inference.proposer import Proposal
from retort.inference.reordering import experts, weights_digest
from retort.inference.reranking.evidence import Matrix, Sources, as_matrix, gather, likelihoods
from retort.inference.reranking.fitting import Case
from retort.inference.reranking.knowledge import Knowledge
from retort.prompting.task import Question

BLOCK = 25  # rows that are answered and kept together
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A held-out row: what is asked, and the answer that counts as right."""

    question: Question
    target: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its candidates, best first, and their columns.

    Attributes:
        row: What was asked.
        candidates: The pool's first candidates.
        columns: Names [f].
        values: [n, f].
    """

    row: Row
    candidates: Sequence[Proposal]
    columns: Sequence[str]
    values: Matrix

    def case(self, columns: Sequence[str]) -> Case:
        """Return the chosen columns with the right answer marked."""
        places = [self.columns.index(name) for name in columns]
        right = np.array([candidate.smiles == self.row.target for candidate in self.candidates], bool)
        return Case(self.values[:, places], right)


@dataclass(frozen=True, slots=True)
class Parts:
    """Who takes part, by names in ``model.json``.

    Attributes:
        task: Name of the task; its default proposers are asked.
        scorer: The language model that scores candidates.
        language_model: Exported model folder whose language model takes the scorer's place.
        judge: The template ranker of the opposite direction.
        pool: How many of the merged candidates are judged.
    """

    task: str
    scorer: str | None
    language_model: Path | None
    judge: str | None
    pool: int


@dataclass(frozen=True)
class Evidence:
    """How rows become candidates and columns.

    Attributes:
        ask: Questions -> pools of the size that the re-ranker orders.
        size: How many merged candidates are judged.
        sources: Where columns come from.
        weights: Digest of the weights of scorer and judge, by name.
        digests: What names all that plain columns depend on, and the language model.
        folder: Where blocks are kept.
    """

    ask: Callable[[Sequence[Question]], list[Pool]]
    size: int
    sources: Sources
    weights: dict[str, str]
    digests: tuple[str, str]
    folder: Path

    @classmethod
    def of(cls, model: ModelFolder, parts: Parts, knowledge: Knowledge, data_sha256: str, folder: Path) -> "Evidence":
        """Load who takes part.

        Raises:
            ModelError: The model does not answer the task, or lacks a named proposer.
        """
        entry = model.card.tasks.get(parts.task)
        if entry is None or not entry.proposers:
            raise ModelError(f"model {model.card.name!r} has no proposer for {parts.task}.")
        known, weights = model.card.proposers, entry.weights or {}
        loaded = load_proposers(model, entry.proposers, None)
        team = [Asked(n, loaded[n], weights.get(n, 1.0), known[n].uses_class) for n in entry.proposers]
        speaker = model if parts.language_model is None else ModelFolder.open(str(parts.language_model))
        named = {name: home for name, home in ((parts.scorer, speaker), (parts.judge, model)) if name}
        digests = {name: weights_digest(home, name) for name, home in named.items()}
        found = {name: load_proposers(home, [name], None)[name] for name, home in named.items()}
        played = experts(*((name, found[name]) if name else None for name in (parts.scorer, parts.judge)))
        made_by = {
            "entry": asdict(entry) | {"reranker": None, "calibration": None, "seen": None},
            "weights": [weights_digest(model, name) for name in (*entry.proposers, *filter(None, [parts.judge]))],
            "pool": parts.pool,
            "data": data_sha256,
        }
        size = max(POOL, parts.pool)
        return cls(
            lambda questions: pools(questions, team, entry.rank_offset, size),
            parts.pool,
            Sources(entry.proposers, played.scorer, played.judge, knowledge),
            digests,
            (_short(made_by), _short([digests.get(parts.scorer or "")])),
            folder,
        )

    def judged(self, rows: Sequence[Row], say: Say) -> list[Judged]:
        """Return every row with its candidates and their columns; rows without candidates are told of."""
        found: list[Judged] = []
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            began = time.process_time()
            found += self._block(block)
            if time.process_time() - began > 1:
                say(f"{start + len(block)} of {len(rows)} rows")
        empty = sum(not one.candidates for one in found)
        if empty:
            say(f"{empty} rows have no candidate; they count as wrong")
        return found

    def _block(self, rows: Sequence[Row]) -> list[Judged]:
        key = sha256(json.dumps([asdict(row) for row in rows]).encode()).hexdigest()[:16]
        plain = self._kept(f"{key}.{self.digests[0]}.json", lambda: self._plain(rows))
        pools = [[Proposal(*candidate) for candidate in one["candidates"]] for one in plain]
        if self.sources.scorer is None:
            likely: list[Any] = [{"columns": [], "values": []} for _ in rows]
        else:
            likely = self._kept(f"{key}.{'.'.join(self.digests)}.json", lambda: self._likely(rows, pools))
        return [
            Judged(row, pool, [*one["columns"], *more["columns"]], _joined(one, more))
            for row, pool, one, more in zip(rows, pools, plain, likely, strict=True)
        ]

    def _plain(self, rows: Sequence[Row]) -> list[Any]:
        kept = []
        for pool in self.ask([row.question for row in rows]):
            head = pool.merged[: self.size]
            columns, values = gather(pool.question, head, pool.rankings, self._without_model())
            candidates = [(p.smiles, p.score, p.proposer, p.template) for p in head]
            kept.append({"candidates": candidates, "columns": columns, "values": values.tolist()})
        return kept

    def _likely(self, rows: Sequence[Row], pools: Sequence[Sequence[Proposal]]) -> list[Any]:
        scorer = self.sources.scorer
        assert scorer is not None
        kept = []
        for row, pool in zip(rows, pools, strict=True):
            columns, values = as_matrix([*likelihoods(scorer, row.question, [p.smiles for p in pool])])
            kept.append({"columns": columns, "values": values.tolist()})
        return kept

    def _without_model(self) -> Sources:
        return Sources(self.sources.proposers, None, self.sources.judge, self.sources.knowledge)

    def _kept(self, name: str, make: Callable[[], list[Any]]) -> list[Any]:
        path = self.folder / name
        if path.exists():
            kept: list[Any] = json.loads(path.read_text("utf-8"))
            return kept
        made = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(made), "utf-8")
        part.rename(path)
        return made


def _joined(one: Any, more: Any) -> Matrix:
    shapes = [(len(one["candidates"]), len(kept["columns"])) for kept in (one, more)]
    blocks = [np.array(kept["values"], float).reshape(shape) for kept, shape in zip((one, more), shapes, strict=True)]
    return np.hstack(blocks)


def _short(values: object) -> str:
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
