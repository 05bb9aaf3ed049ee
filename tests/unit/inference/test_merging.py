"""Merging: reciprocal ranks, weights, ties and owners."""

from retort.inference.merging import Ranking, merge
from retort.inference.proposer import Proposal


def ranking(name: str, *smiles: str, weight: float = 1.0) -> Ranking:
    return Ranking([Proposal(s, -float(i), name) for i, s in enumerate(smiles)], weight)


def order(*rankings: Ranking, offset: float = 1.0) -> list[str]:
    return [proposal.smiles for proposal in merge(rankings, offset)]


def test_one_ranking_keeps_its_order() -> None:
    assert order(ranking("a", "C", "CC", "CCC")) == ["C", "CC", "CCC"]


def test_a_shared_candidate_collects_votes_from_both() -> None:
    # CC: 1/3 + 1/2; C: 1/2; O: 1/3
    assert order(ranking("a", "C", "CC"), ranking("b", "CC", "O")) == ["CC", "C", "O"]


def test_weights_decide_between_disjoint_rankings() -> None:
    assert order(ranking("a", "C"), ranking("b", "O", weight=2.0)) == ["O", "C"]
    assert order(ranking("a", "C", weight=2.0), ranking("b", "O")) == ["C", "O"]


def test_ties_fall_to_the_first_ranking() -> None:
    assert order(ranking("a", "C"), ranking("b", "O")) == ["C", "O"]


def test_a_large_offset_favours_agreement_over_first_rank() -> None:
    rankings = (ranking("a", "C", "x1", "x2", "CC"), ranking("b", "O", "y1", "y2", "CC"))
    assert order(*rankings, offset=1.0)[0] == "C"
    assert order(*rankings, offset=60.0)[0] == "CC"


def test_the_strongest_voter_owns_a_shared_candidate() -> None:
    merged = merge([ranking("a", "C", "CC"), ranking("b", "CC")], 1.0)
    assert [(p.smiles, p.proposer) for p in merged] == [("CC", "b"), ("C", "a")]
    weighted = merge([ranking("a", "C", "CC", weight=5.0), ranking("b", "CC")], 1.0)
    assert {p.smiles: p.proposer for p in weighted} == {"C": "a", "CC": "a"}


def test_nothing_merges_to_nothing() -> None:
    assert merge([], 1.0) == []
    assert merge([ranking("a")], 1.0) == []
