"""Answers as a table: no query is lost, and every column is typed."""

import polars as pl

from retort.inference.frames import SCHEMA, frame
from retort.inference.prediction import Candidate, Precedent, Prediction, Predictions, RoundTrip
from retort.inference.proposer import TypeRead


def answers() -> Predictions:
    trip = RoundTrip("oracle", 2, 10, exact=True)
    known = (Precedent("CC.O>>CCO", 0.5, "US1"),)
    full = Candidate(
        1,
        "CC.O",
        -0.1,
        "p",
        0.7,
        TypeRead(3, "", 0.9),
        round_trip=trip,
        precedents=known,
        in_stock={"O": True, "CC": False},
    )
    number = Candidate(1, "", -0.1, "p", value=51.0, interval=(40.0, 60.0))
    return Predictions(
        [
            Prediction("retrosynthesis", "CCO", "ok", "m", "model", (full, Candidate(2, "C", -2.0, "p"))),
            Prediction("retrosynthesis", "C1CC", "invalid_input", "cannot read", "model"),
            Prediction("yield_prediction", "C>>C", "ok", "", "model", (number,)),
        ]
    )


def test_one_row_per_candidate_and_one_per_query_without() -> None:
    found = answers().to_frame()
    assert dict(found.schema) == SCHEMA
    assert found["query"].to_list() == ["CCO", "CCO", "C1CC", "C>>C"]
    assert found["rank"].to_list() == [1, 2, None, 1]
    assert found["status"].to_list() == ["ok", "ok", "invalid_input", "ok"]
    assert found["smiles"].to_list() == ["CC.O", "C", None, None]


def test_evidence_is_typed_and_null_where_nothing_is_known() -> None:
    found = answers().to_frame()
    assert found["round_trip"].to_list() == [2, None, None, None]
    assert found["in_stock"].to_list() == [False, None, None, None]
    assert found["reaction_type"].to_list() == ["3", None, None, None]
    assert found["precedents"].to_list() == [[{"reaction": "CC.O>>CCO", "similarity": 0.5, "id": "US1"}], [], None, []]
    assert found.filter(pl.col("value").is_not_null())[["value", "low", "high"]].row(0) == (51.0, 40.0, 60.0)


def test_one_answer_and_no_answer_have_the_same_columns() -> None:
    assert answers()[0].to_frame().schema == frame([]).schema == answers().to_frame().schema
    assert len(answers()[0].to_frame()) == 2
