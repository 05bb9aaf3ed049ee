"""What is known of every candidate beyond its place in a ranking: the columns that a re-ranker weighs.

A column's name says where it comes from: ``NAME.log_probability`` from a proposer, ``likelihood.*`` from
teacher-forced likelihoods, ``opposite.*`` from the template ranker of the opposite direction, ``train.*`` from counts
over training rows, ``shape.*`` from question and answer alone. Nothing here depends on other questions, and nothing
sees a target.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from retort.chem.correspondence import align
from retort.chem.fingerprints import Fingerprint, tanimoto
from retort.chem.smiles import parse
from retort.inference.merging import Ranking
from retort.inference.proposer import Proposal
from retort.inference.questions import split_roles
from retort.inference.reranking.knowledge import Knowledge, change_keys, text_key
from retort.prompting.task import Question

Matrix = NDArray[np.float64]
Row = dict[str, float]
UNRANKED = 20_000  # the rank of a template that is not known
ENVIRONMENTS = Fingerprint("molecules", bits=2048, radius=2, chirality=True)


@runtime_checkable
class Scorer(Protocol):
    """A language model that judges given answers."""

    def score(self, pairs: Sequence[tuple[Question, str]]) -> list[tuple[float, int]]:
        """Return ``log p(answer | question)`` of every pair, summed, and its number of tokens; nan where too long."""
        ...


@runtime_checkable
class Judge(Protocol):
    """A template ranker of the opposite direction, which says how well it agrees with a candidate's template."""

    def support(self, given: Sequence[str], templates: Sequence[str | None]) -> Sequence[tuple[float, int, int] | None]:
        """Return log-probability, rank and training count of every template given its text; None if it is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Experts:
    """Who is asked about candidates that others proposed."""

    scorer: Scorer | None = None
    judge: Judge | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What evidence is drawn from.

    Attributes:
        proposers: Names of the proposers, in the order of the rankings.
        scorer: Judges answers; its columns are left out where it is None.
        judge: Says how well the opposite direction agrees; its columns are left out where it is None.
        knowledge: Counts over training rows; their columns are left out where it is None.
    """

    proposers: tuple[str, ...]
    scorer: Scorer | None = None
    judge: Judge | None = None
    knowledge: Knowledge | None = None


def gather(
    question: Question, pool: Sequence[Proposal], rankings: Sequence[Ranking], sources: Sources
) -> tuple[list[str], Matrix]:
    """Return the names [f] and values [n, f] of the columns for the candidates of one question.

    Args:
        question: What was asked.
        pool: The candidates.
        rankings: The proposers' own rankings that were merged into the pool.
        sources: Where to look. A value that cannot be had (a text too long for the language model) is the lowest of
            its column, or 0 where no candidate has one.
    """
    answers = [proposal.smiles for proposal in pool]
    rows: list[Row] = [{} for _ in answers]
    for name, ranking in zip(sources.proposers, rankings, strict=True):
        _extend(rows, _from_proposer(name, ranking, answers))
    if sources.judge is not None:
        _extend(rows, _from_judge(sources.judge, question, pool))
    if sources.knowledge is not None:
        _extend(rows, (_from_training(sources.knowledge, question, answer) for answer in answers))
    _extend(rows, (_shape(question, answer) for answer in answers))
    if sources.scorer is not None:
        _extend(rows, likelihoods(sources.scorer, question, answers))
    return as_matrix(rows)


def as_matrix(rows: Sequence[Row]) -> tuple[list[str], Matrix]:
    """Return the names [f] and values [n, f] of rows with the same names; missing values filled, see :func:`gather`."""
    names = list(rows[0]) if rows else []
    values = np.array([[row[name] for name in names] for row in rows], float)
    return names, _filled(values.reshape(len(rows), len(names)))


def _extend(rows: list[Row], more: Iterable[Row]) -> None:
    for row, new in zip(rows, more, strict=True):
        row.update(new)


def _filled(values: Matrix) -> Matrix:
    """Replace missing values by the lowest of their column; by 0 in a column that has none."""
    lowest = np.where(np.isnan(values), np.inf, values).min(axis=0, initial=np.inf)
    return np.where(np.isnan(values), np.where(np.isinf(lowest), 0.0, lowest), values)


def _from_proposer(name: str, ranking: Ranking, answers: Sequence[str]) -> Iterable[Row]:
    places = {proposal.smiles: (rank, proposal.score) for rank, proposal in enumerate(ranking.candidates, start=1)}
    behind = len(places) + 1
    for answer in answers:
        rank, score = places.get(answer, (behind, math.nan))
        yield {
            f"{name}.log_probability": score,
            f"{name}.log_rank": math.log(rank),
            f"{name}.absent": float(answer not in places),
        }


def likelihoods(scorer: Scorer, question: Question, answers: Sequence[str]) -> Iterable[Row]:
    """Score the answers given the query and the query given the answers, each pair in aligned spellings."""
    pairs = [_asked(question, answer) for answer in answers]
    forwards = scorer.score([there for there, _ in pairs])
    backwards = scorer.score([back for _, back in pairs])
    for (answer, n), (query, m) in zip(forwards, backwards, strict=True):
        yield {
            "likelihood.answer": answer,
            "likelihood.answer_per_token": answer / n,
            "likelihood.query": query,
            "likelihood.query_per_token": query / m,
        }


def _from_judge(judge: Judge, question: Question, pool: Sequence[Proposal]) -> Iterable[Row]:
    backwards = question.task == "forward_prediction"
    sides = [reaction(question, proposal.smiles) for proposal in pool]
    given = [product if backwards else precursors for precursors, product in sides]
    for found in judge.support(given, [proposal.template for proposal in pool]):
        log_probability, rank, count = found or (math.nan, UNRANKED, 0)
        yield {
            "opposite.log_probability": log_probability,
            "opposite.log_rank": math.log(rank),
            "opposite.log_count": math.log1p(count),
            "opposite.unknown": float(found is None),
        }


def _asked(question: Question, answer: str) -> tuple[tuple[Question, str], tuple[Question, str]]:
    """Return the pair to score, and the pair with what is given and what is answered in exchanged places.

    Of reagents, the second pair asks for the product that they lead to.
    """
    aligned = align(*reaction(question, answer))
    back, forth = aligned.backward, aligned.forward
    forward = (Question("forward_prediction", forth[0]), forth[1])
    if question.task == "retrosynthesis":
        return (replace(question, given=back[0]), back[1]), forward
    if question.task == "forward_prediction":
        return (question, forth[1]), (Question("retrosynthesis", back[0]), back[1])
    return (question, answer), forward


def reaction(question: Question, answer: str) -> tuple[str, str]:
    """Return ``(precursors, product)`` of the reaction that question and answer make."""
    if question.task == "retrosynthesis":
        return answer, question.given
    if question.task == "forward_prediction":
        return _molecules(question), answer
    roles = split_roles(question.given)
    return ".".join(filter(None, (roles[0], answer))), roles[-1]


def _molecules(question: Question) -> str:
    return ".".join(filter(None, split_roles(question.given)))


def _from_training(knowledge: Knowledge, question: Question, answer: str) -> Row:
    parts = answer.split(".")
    known = [knowledge.molecules[text_key(part)] for part in parts]
    unknown = sum(_atoms(part) for part, n in zip(parts, known, strict=True) if not n)
    change, gain = change_keys(*reaction(question, answer))
    return {
        "train.unknown_molecules": float(known.count(0)),
        "train.unknown_atoms": float(unknown),
        "train.unknown_share": unknown / sum(map(_atoms, parts)),
        "train.molecules": sum(map(math.log1p, known)),
        "train.others": sum(math.log1p(knowledge.others[text_key(part)]) for part in parts),
        "train.change": math.log1p(knowledge.changes[change]),
        "train.gain": math.log1p(knowledge.gains[gain]),
    }


def _shape(question: Question, answer: str) -> Row:
    given, asked = _elements(_molecules(question)), _elements(answer)
    largest = max(answer.split("."), key=len)
    query = ENVIRONMENTS.counts(_molecules(question))
    return {
        "shape.components": float(answer.count(".") + 1),
        "shape.surplus_atoms": float((asked - given).total()),
        "shape.missing_atoms": float((given - asked).total()),
        "shape.rings": float(_rings(answer)),
        "shape.similarity": tanimoto(query, ENVIRONMENTS.counts(answer)),
        "shape.largest_similarity": tanimoto(query, ENVIRONMENTS.counts(largest)),
    }


def _atoms(smiles: str) -> int:
    return _elements(smiles).total()


@lru_cache(maxsize=4096)
def _elements(smiles: str) -> Counter[int]:
    return Counter(atom.GetAtomicNum() for atom in parse(smiles).GetAtoms())


def _rings(smiles: str) -> int:
    molecule = parse(smiles)
    return int(molecule.GetRingInfo().NumRings())
