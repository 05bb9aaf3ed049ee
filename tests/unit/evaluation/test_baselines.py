"""Answers without learning, worked out by hand."""

import math

import pytest

from retort.errors import ChemistryError, UsageError
from retort.evaluation.baselines import fingerprint, nearest_neighbour, popularity
from retort.evaluation.predictions import Header, Prediction, Predictions
from retort.evaluation.scoring import score

AMIDE = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"
SUZUKI = "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"
ETHER = "CCBr.Oc1ccccc1>>CCOc1ccccc1"


def test_popularity_counts_spellings_together() -> None:
    answers = ["CCN(CC)CC", "C1CCOC1", "N(CC)(CC)CC", "O"]
    found = popularity(answers, 2)
    assert [c.smiles for c in found] == ["CCN(CC)CC", "C1CCOC1"]  # "C1CCOC1" sorts before "O"
    assert [c.score for c in found] == [math.log(2 / 4), math.log(1 / 4)]
    assert {c.proposer for c in found} == {"popularity"}


def test_popularity_keeps_multiplicity() -> None:
    assert [c.smiles for c in popularity(["O.O", "O"], 5)] == ["O", "O.O"]


def test_baselines_need_rows() -> None:
    with pytest.raises(UsageError):
        popularity([], 1)
    with pytest.raises(UsageError):
        nearest_neighbour([], [AMIDE], 1)
    with pytest.raises(ChemistryError):
        popularity(["C1CC"], 1)


def test_the_nearest_reaction_answers_first() -> None:
    train = [(SUZUKI, "O=C([O-])[O-].[K+].[K+]"), (AMIDE, "ClCCl.CCN(CC)CC"), (ETHER, "CC(C)=O")]
    (found,) = nearest_neighbour(train, ["CC(=O)Cl.NCc1ccc(F)cc1>>CC(=O)NCc1ccc(F)cc1"], 2)
    assert found[0].smiles == "CCN(CC)CC.ClCCl"
    assert found[0].score is not None
    assert found[1].score is not None
    assert 0 > found[0].score > found[1].score
    assert len(found) == 2


def test_the_same_reaction_in_another_spelling_is_at_no_distance() -> None:
    other = "c1ccc(cc1)CN.ClC(C)=O>>O=C(C)NCc1ccccc1"
    (found,) = nearest_neighbour([(AMIDE, "O")], [other], 1)
    assert found[0].score == 0.0


def test_equal_answers_are_given_once() -> None:
    train = [(AMIDE, "O.C"), (AMIDE, "C.O"), (ETHER, "N")]
    (found,) = nearest_neighbour(train, [AMIDE], 5)
    assert [c.smiles for c in found] == ["C.O", "N"]


def test_an_unreadable_query_gets_no_answer() -> None:
    assert nearest_neighbour([(AMIDE, "O")], ["C1CC>>C", "", AMIDE], 1)[:2] == [(), ()]


def test_sides_of_a_reaction_are_told_apart() -> None:
    assert (fingerprint("CCO>>CCBr") != fingerprint("CCBr>>CCO")).any()
    assert (fingerprint("CCO.O>>CCBr") == fingerprint("CCO>O>CCBr")).all()
    assert not fingerprint("CCO")[:128].any()


def test_baselines_are_scored_like_models() -> None:
    asked = [(AMIDE, "CCN(CC)CC"), (ETHER, "CC(C)=O"), ("C1CC>>C", "O")]
    train = [(AMIDE, "N(CC)(CC)CC"), (SUZUKI, "O")]
    found = nearest_neighbour(train, [query for query, _ in asked], 3)
    rows = [
        Prediction(i, query, target, "ok" if answers else "no_answer", "", answers)
        for i, ((query, target), answers) in enumerate(zip(asked, found, strict=True))
    ]
    report = score(Predictions(Header("reagent_prediction", "nearest_neighbour", 3), tuple(rows)), 3)
    assert report.metrics["exact_match@1"] == 1 / 3
    assert report.status_counts == {"ok": 2, "invalid_input": 0, "no_answer": 1}
