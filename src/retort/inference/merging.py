"""One ranking from several: reciprocal-rank fusion of the proposers' candidates.

A candidate collects ``weight / (rank_offset + rank)`` from every proposer that has it, ranks counted from 1
(Cormack, Clarke and Buettcher, SIGIR 2009). Ranks are compared, never scores: a length-normalised log-probability
of a language model and the log-probability of a ranker are on different scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retort.inference.proposer import Proposal


@dataclass(frozen=True, slots=True)
class Ranking:
    """One proposer's candidates, best first, and the weight of its votes."""

    candidates: Sequence[Proposal]
    weight: float = 1.0


def merge(rankings: Sequence[Ranking], rank_offset: float) -> list[Proposal]:
    """Return the distinct candidates of all rankings, best first.

    A candidate that several proposers share keeps the name and the score of the one that gave it the most votes.

    Args:
        rankings: In the order of the model folder, which breaks ties.
        rank_offset: Large values favour candidates that several proposers share, small ones the first ranks.
    """
    votes: dict[str, float] = {}
    owners: dict[str, tuple[float, Proposal]] = {}
    for ranking in rankings:
        for rank, proposal in enumerate(ranking.candidates, start=1):
            share = ranking.weight / (rank_offset + rank)
            votes[proposal.answer] = votes.get(proposal.answer, 0.0) + share
            if proposal.answer not in owners or share > owners[proposal.answer][0]:
                owners[proposal.answer] = (share, proposal)
    order = sorted(votes, key=lambda answer: -votes[answer])
    return [owners[answer][1] for answer in order]
