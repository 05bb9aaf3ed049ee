"""Rankings of candidates out of a file of predictions."""

import pytest

from retort.errors import DataError
from retort.evaluation.comparison import differences
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions, Status
from retort.evaluation.reports import report

QUERY = "CC>>CO>OCC>OC>N"


def row(index: int, target: str, *answers: str, status: Status = "ok") -> Prediction:
    said = tuple(Candidate(smiles, 0.0, "p") for smiles in answers)
    return Prediction(index, QUERY, target, status, "", said)


def told(*rows: Prediction) -> Predictions:
    return Predictions(Header("reagent_selection", "m", 10), rows)


def test_candidates_are_compared_by_canonical_smiles() -> None:
    found = report(told(row(0, "80;20;0", "CCO", "CO", "N"), row(1, "80;20;0", "CO", "N", "CCO")), 10)
    assert found.metrics["hit@1"] == 0.5
    assert found.metrics["hit@3"] == 1.0
    assert found.metrics["regret@1"] == pytest.approx(30.0)
    assert found.metrics["chance_hit@1"] == pytest.approx(1 / 3)
    assert found.status_counts == {"ok": 2, "invalid_input": 0, "no_answer": 0}


def test_no_answer_is_the_worst_and_an_unreadable_target_is_noted() -> None:
    rows = (row(0, "80;20;0", status="no_answer"), row(1, "80;140;0", "CCO"), row(2, "5;5;5", "c1ccccc1"))
    found = report(told(*rows), 10)
    assert found.n == 3
    assert found.metrics["hit@1"] == 0.0
    assert found.metrics["regret@1"] == pytest.approx(40.0)
    assert any("row 1: a yield of 140 %" in note for note in found.notes)
    assert any(note.startswith("1 rankings name what is not") for note in found.notes)
    assert any(note.startswith("1 lists have yields that are all equal") for note in found.notes)


def test_a_file_without_a_list_is_refused() -> None:
    with pytest.raises(DataError, match="no target holds"):
        report(told(row(0, "80")), 10)


def test_models_are_compared_row_by_row() -> None:
    first = told(row(0, "80;20;0", "CO", "CCO"), row(1, "10;30;0", "CCO"))
    second = told(row(0, "80;20;0", "CCO", "CO"), row(1, "10;30;0", "CCO"))
    gains = differences(first, second, 10)
    assert gains["hit@1"].difference == pytest.approx(0.5)
    assert gains["regret@1"].difference == pytest.approx(-30.0)
    assert gains["ndcg"].interval[0] <= gains["ndcg"].difference <= gains["ndcg"].interval[1]
