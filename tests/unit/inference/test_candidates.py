"""Candidates of a list, ranked by numbers or by popularity."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from retort.errors import ModelError
from retort.inference.proposer import Proposal, Proposals
from retort.inference.proposers.by_value import ByValue
from retort.inference.proposers.candidate_means import PopularCandidates
from retort.models.boosted import ModelMeta
from retort.models.candidate_means import CandidateMeans
from retort.prompting.task import Question

META = ModelMeta("reagent_selection", {}, "0", 0, 4)
ASKED = Question("reagent_selection", "CCBr.CN>>CCNC>CCO>CO>O")


class Carbons:
    """Says how many carbon atoms stand in a question, and knows no water."""

    name = "carbons"

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        assert {question.task for question in questions} == {"yield_prediction"}
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Proposals:
        if "O" in question.given.partition(">>")[0].split("."):
            return Proposals((), {}, "water is strange.")
        value = float(question.given.count("C"))
        return Proposals((Proposal("", -0.1, self.name, value=value, interval=(value - 1, value + 1)),), {})


def test_numbers_rank_candidates_and_stand_beside_them() -> None:
    found = ByValue(Carbons(), "yield_prediction").propose([Question("reagent_selection", "CN>>C>CO>CCO>N")], 2)[0]
    assert [(c.smiles, c.value, c.proposer) for c in found.candidates] == [
        ("CCO", 4.0, "carbons"),
        ("CO", 3.0, "carbons"),
    ]
    assert found.candidates[0].interval == (3.0, 5.0)


def test_a_candidate_without_a_number_declines_the_whole_list() -> None:
    found = ByValue(Carbons(), "yield_prediction").propose([ASKED], 10)[0]
    assert found.candidates == ()
    assert found.declined == "candidate 3 cannot be ranked: water is strange."


def test_popularity_is_the_mean_of_the_train_rows(tmp_path: Path) -> None:
    model = CandidateMeans.gather(META, [("CO", 10.0), ("CO", 50.0), ("CCO", 20.0), ("O", 90.0)])
    model.save(tmp_path / "means.npz")
    proposer = PopularCandidates.load(tmp_path / "means.npz", "popularity")
    (found,) = proposer.propose([ASKED], 10)
    assert [(c.smiles, c.value) for c in found.candidates] == [("O", 90.0), ("CO", 30.0), ("CCO", 20.0)]
    (strange,) = proposer.propose([Question("reagent_selection", "C>>C>CO>CN")], 10)
    assert strange.declined == "candidate 2 cannot be ranked: no train row has CN."
    broken = CandidateMeans(META, ("CO",), np.zeros(2))
    broken.save(tmp_path / "broken.npz")
    with pytest.raises(ModelError, match="do not fit"):
        CandidateMeans.load(tmp_path / "broken.npz")
