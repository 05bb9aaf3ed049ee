"""A fitted re-ranker: what it weighs, its file, and how it orders the candidates of one question.

A candidate's logit is a weighted sum of its standardised columns (conditional logit; McFadden 1973), or the sum of one
leaf of each of many trees. The softmax over the candidates of one question is the probability that it is the right one,
given that one of them is. After re-ranking, a candidate's score is the logarithm of that probability.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError, OutputError
from retort.inference.merging import Ranking
from retort.inference.proposer import Proposal
from retort.inference.reranking.evidence import Experts, Matrix, Sources, gather
from retort.inference.reranking.fitting import Fit, Ordering, Vector
from retort.inference.reranking.knowledge import Counts, Knowledge
from retort.inference.reranking.trees import Trees
from retort.prompting.task import Question

FORMAT, VERSION = "retort-reranker", 1
_WEIGHTS, _TREES = ("centre", "scale", "weights"), "roots"
_TABLES = ("molecules", "others", "changes", "gains")


@dataclass(frozen=True, slots=True)
class RerankerMeta:
    """What a re-ranker is and where it came from.

    Attributes:
        task: Name of the task.
        columns: Names of the columns, in the order of the weights.
        proposers: Proposers whose merged candidates it orders, by their names in ``model.json``.
        scorer: Name of the language model that judges candidates; None where none is needed.
        judge: Name of the template ranker of the opposite direction; None where none is needed.
        pool: How many of the merged candidates it orders; those behind keep their places.
        data_sha256: Hash of the prepared records.
        weights_sha256: What names the weights of the scorer and the judge, by their names.
        fitting: Rows, settings and figures of the fit, for the record.
    """

    task: str
    columns: tuple[str, ...]
    proposers: tuple[str, ...]
    scorer: str | None
    judge: str | None
    pool: int
    data_sha256: str
    weights_sha256: Mapping[str, str] = field(default_factory=dict)
    fitting: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reranker:
    """The weights with what they stand for.

    Attributes:
        meta: What it is.
        fit: Weights of the columns, or trees over them.
        knowledge: Counts over the training rows; None where no column needs them.
    """

    meta: RerankerMeta
    fit: Ordering
    knowledge: Knowledge | None = None

    def rerank(
        self, question: Question, pool: Sequence[Proposal], rankings: Sequence[Ranking], asked: Experts
    ) -> list[Proposal]:
        """Return all candidates of a pool in their new order, scores replaced.

        Args:
            question: What was asked.
            pool: The merged candidates, best first. The first ``meta.pool`` are ordered anew; the others keep their
                place behind them and their score, lowered to the last of the first where it is above it.
            rankings: What the proposers of ``meta.proposers`` said, in that order.
            asked: The language model ``meta.scorer`` and the template ranker ``meta.judge``.

        Raises:
            ModelError: The columns are not those that the weights were fitted to.
        """
        judged, behind = pool[: self.meta.pool], pool[self.meta.pool :]
        if not judged:
            return []
        sources = Sources(self.meta.proposers, asked.scorer, asked.judge, self.knowledge)
        scores = self.log_probabilities(*gather(question, judged, rankings, sources))
        order = sorted(range(len(judged)), key=lambda i: (-scores[i], i))
        ranked = [replace(judged[i], score=float(scores[i])) for i in order]
        last = ranked[-1].score
        return ranked + [replace(proposal, score=min(last, proposal.score)) for proposal in behind]

    def log_probabilities(self, columns: Sequence[str], values: Matrix) -> Vector:
        """Return the log-probability [n] of every candidate of one question from its columns [n, f].

        Raises:
            ModelError: A column that the weights were fitted to is missing.
        """
        missing = set(self.meta.columns) - set(columns)
        if missing:
            raise ModelError(f"the re-ranker of {self.meta.task} needs {min(missing)!r}, which is not there.")
        return self.fit.log_probabilities(values[:, [columns.index(name) for name in self.meta.columns]])

    def save(self, path: Path) -> None:
        """Write the file; raises OutputError where it cannot be written."""
        meta = {"format": FORMAT, "version": VERSION, **asdict(self.meta)}
        arrays: dict[str, Any] = self.fit.arrays()
        if self.knowledge is not None:
            for name in _TABLES:
                table: Counts = getattr(self.knowledge, name)
                arrays |= {f"{name}_keys": table.keys, f"{name}_counts": table.counts}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
        except OSError as error:
            raise OutputError(f"cannot write the re-ranker {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path) -> "Reranker":
        """Read a file.

        Raises:
            ModelError: It is missing, damaged, of another format or inconsistent in itself.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return _from_arrays({name: arrays[name] for name in arrays.files}, path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"cannot read the re-ranker {str(path)!r}: {error}.", "Fetch or fit it again.") from error


def _from_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> Reranker:
    values = json.loads(arrays["meta"].tobytes().decode())
    if (values.pop("format"), values.pop("version")) != (FORMAT, VERSION):
        raise ModelError(f"{str(path)!r} is not a {FORMAT} file of version {VERSION}.")
    meta = RerankerMeta(**values | {"columns": tuple(values["columns"]), "proposers": tuple(values["proposers"])})
    tables = [Counts(arrays[f"{n}_keys"], arrays[f"{n}_counts"]) for n in _TABLES if f"{n}_keys" in arrays]
    return Reranker(meta, _ordering(arrays, len(meta.columns), path), Knowledge(*tables) if tables else None)


def _ordering(arrays: Mapping[str, NDArray[Any]], columns: int, path: Path) -> Ordering:
    if _TREES in arrays:
        return Trees.of_arrays(arrays, columns)
    centre, scale, weights = (arrays[name].astype(float) for name in _WEIGHTS)
    if {v.shape for v in (centre, scale, weights)} != {(columns,)} or not scale.all():
        raise ModelError(f"the arrays of {str(path)!r} do not fit each other.", "Fetch or fit it again.")
    return Fit(centre, scale, weights)
