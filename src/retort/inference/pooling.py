"""Ask the proposers of a task and merge what they say into one pool of candidates per question."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from retort.inference.merging import Ranking, merge
from retort.inference.proposer import Proposal, Proposals, Proposer
from retort.inference.questions import split_roles
from retort.prompting.task import Question

POOL = 10  # every proposer is asked for at least this many, so that a smaller top_k is a prefix of a larger one


@dataclass(frozen=True, slots=True)
class Asked:
    """One proposer in its part.

    Attributes:
        name: Its name in ``model.json``.
        proposer: Who is asked.
        weight: Weight of its votes in the merged ranking.
        uses_class: It may be told a known reaction class.
    """

    name: str
    proposer: Proposer
    weight: float = 1.0
    uses_class: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one question.

    Attributes:
        question: What was asked.
        rankings: Each proposer's own ranking, answers in which nothing reacts left out.
        merged: The distinct candidates of all rankings, best first.
        unreadable: Reason -> number of answers that were dropped for it.
        declined: Why proposers do not answer this question, as sentences.
    """

    question: Question
    rankings: Sequence[Ranking]
    merged: Sequence[Proposal]
    unreadable: dict[str, int]
    declined: str = ""


def pools(questions: Sequence[Question], team: Sequence[Asked], rank_offset: float, size: int) -> list[Pool]:
    """Return the pool of every question, in order.

    Args:
        questions: Distinct questions of one task.
        team: Who is asked, in the order of the model folder, which breaks ties.
        rank_offset: Offset of reciprocal-rank fusion, see :mod:`retort.inference.merging`.
        size: Candidates that every proposer is asked for.
    """
    said = [
        asked.proposer.propose(
            questions if asked.uses_class else [replace(q, reaction_class=None) for q in questions], size
        )
        for asked in team
    ]
    return [
        _pool(question, own, team, rank_offset)
        for question, own in zip(questions, zip(*said, strict=True), strict=True)
    ]


def _pool(question: Question, own: Sequence[Proposals], team: Sequence[Asked], rank_offset: float) -> Pool:
    rankings = [Ranking(_sensible(question, p), asked.weight) for p, asked in zip(own, team, strict=True)]
    declined = " ".join(dict.fromkeys(proposals.declined for proposals in own if proposals.declined))
    return Pool(question, rankings, merge(rankings, rank_offset), _counted(own, rankings), declined)


def _sensible(question: Question, proposals: Proposals) -> list[Proposal]:
    """Drop answers in which nothing reacts: the product as its own precursor, precursors as their own product."""
    given = Counter(".".join(role for role in split_roles(question.given) if role).split("."))
    if question.task == "retrosynthesis":
        return [proposal for proposal in proposals.candidates if proposal.smiles != question.given]
    if question.task == "forward_prediction":
        return [proposal for proposal in proposals.candidates if not Counter(proposal.smiles.split(".")) <= given]
    return list(proposals.candidates)


def _counted(own: Sequence[Proposals], rankings: Sequence[Ranking]) -> dict[str, int]:
    """Sum up what was dropped and why."""
    counts: Counter[str] = Counter()
    for proposals, ranking in zip(own, rankings, strict=True):
        counts.update(proposals.unreadable)
        counts["nothing reacts"] += len(proposals.candidates) - len(ranking.candidates)
    return {reason: n for reason, n in counts.most_common() if n}
