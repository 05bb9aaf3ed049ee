"""Answers as a table, for whoever goes on with polars."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import polars as pl

from retort.inference.prediction import Candidate, Prediction

_TEXT, _NUMBER = pl.String(), pl.Float64()
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("task", "query", "status", "message", "model"), _TEXT),
    "rank": pl.Int64(),
    **dict.fromkeys(("smiles", "text"), _TEXT),
    **dict.fromkeys(("value", "low", "high", "score", "confidence"), _NUMBER),
    "proposer": _TEXT,
    "reaction_type": _TEXT,
    "type_probability": _NUMBER,
    "round_trip": pl.Int64(),
    "precedents": pl.List(pl.Struct({"reaction": _TEXT, "similarity": _NUMBER, "id": _TEXT})),
    "in_stock": pl.Boolean(),
}


def frame(predictions: Iterable[Prediction]) -> pl.DataFrame:
    """Return one row per candidate, and one with empty cells for a query without any; no query is lost.

    The columns are always the same. ``round_trip`` is the rank at which the oracle agrees; ``in_stock`` says whether
    every precursor is in stock; both are null where nothing is known.
    """
    rows = [
        {**_asked(prediction), **({} if candidate is None else _answered(candidate))}
        for prediction in predictions
        for candidate in (prediction.candidates or (None,))
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _asked(prediction: Prediction) -> dict[str, Any]:
    return {name: getattr(prediction, name) for name in ("task", "query", "status", "message", "model")}


def _answered(candidate: Candidate) -> dict[str, Any]:
    low, high = candidate.interval or (None, None)
    read, trip, stock = candidate.reaction_type, candidate.round_trip, candidate.in_stock
    return {
        "rank": candidate.rank,
        "smiles": candidate.smiles or None,
        "text": candidate.text or None,
        "value": candidate.value,
        "low": low,
        "high": high,
        "score": candidate.score,
        "confidence": candidate.confidence,
        "proposer": candidate.proposer,
        "reaction_type": None if read is None else read.name or str(read.id),
        "type_probability": None if read is None else read.probability,
        "round_trip": None if trip is None else trip.rank,
        "precedents": [asdict(precedent) for precedent in candidate.precedents],
        "in_stock": None if stock is None else all(stock.values()),
    }
