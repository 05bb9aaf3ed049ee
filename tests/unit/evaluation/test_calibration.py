"""Calibration: what is applied, what is fitted, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.errors import DataError, ModelError
from retort.evaluation.calibration import Calibration, Isotonic, Pool, Temperature, coherent, rising
from retort.evaluation.calibration_fit import Answered, answered, fit, fit_isotonic, fit_temperature, judged
from retort.evaluation.predictions import Candidate, Prediction
from retort.evaluation.reliability import chance_error

NAME = "ranker"
TRUE = Temperature(2.0, -0.5, 0.3)
PROBABILITIES = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=10).map(np.array)


def queries(n: int, true: Temperature = TRUE, seed: int = 0) -> list[Answered]:
    """Scores of five candidates each, and outcomes drawn with the probabilities that ``true`` says."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        masses = np.sort(rng.dirichlet([0.4] * 6)[:5])[::-1]
        scores = np.log(np.maximum(masses, 1e-6))
        names = (NAME,) * 5
        p = true.probabilities(scores, names)
        assert p is not None
        place = rng.choice(6, p=[*p, 1 - p.sum()])
        found.append(Answered(scores, names, (np.arange(5) == place).astype(float)))
    return found


def calibration(**values: Any) -> Calibration:
    known = {"task": "retrosynthesis", "method": "temperature", "top_k": 10, "fitted_for": {}, "rows": 9}
    return Calibration(**{**known, "data_sha256": "", "temperature": TRUE, **values})


def test_planted_temperature_is_recovered() -> None:
    found = fit_temperature(queries(2_500))
    assert found.temperature == pytest.approx(TRUE.temperature, abs=0.3)
    assert found.none == pytest.approx(TRUE.none, abs=0.2)
    assert found.rest == pytest.approx(TRUE.rest, abs=0.15)


def test_the_identity_is_a_temperature() -> None:
    scores = np.log([0.5, 0.2, 0.1])
    assert Temperature(1.0, 0.0, 1.0).probabilities(scores, [NAME] * 3) == pytest.approx([0.5, 0.2, 0.1])


def test_a_fit_is_calibrated_on_other_rows() -> None:
    found = fit(queries(800))
    other = queries(1_500, seed=1)
    before = judged(other, [np.exp(q.scores) for q in other])["first"]
    confidence = [coherent(_known(found.curve.probabilities(q.scores, q.proposers)), ordered=True) for q in other]
    after = judged(other, confidence)["first"]
    assert found.method == "temperature"
    assert found.ordered
    assert before.error > 0.1
    assert after.error < 2 * chance_error(np.array([c[0] for c in confidence]))


def _known(values: Any) -> np.ndarray:
    assert values is not None
    return np.asarray(values)


def test_isotonic_wins_where_no_temperature_fits() -> None:
    rng = np.random.default_rng(0)
    scores = np.log(rng.uniform(0.01, 0.99, 1_000))
    right = (rng.random(1_000) < np.where(np.exp(scores) > 0.5, 0.8, 0.1)).astype(float)  # a step
    found = fit([Answered(np.array([s]), (NAME,), np.array([r])) for s, r in zip(scores, right, strict=True)])
    assert found.method == "isotonic"
    low, high = (_known(found.curve.probabilities(np.log([x]), [NAME]))[0] for x in (0.3, 0.7))
    assert (low, high) == (pytest.approx(0.1, abs=0.05), pytest.approx(0.8, abs=0.05))


def test_ranks_and_proposers_have_curves_of_their_own() -> None:
    pools = fit_isotonic(queries(400)).pools
    assert [(p.proposer, p.first, p.last) for p in pools] == [(NAME, 1, 1), (NAME, 2, 3), (NAME, 4, 10)]
    assert Isotonic(pools).probabilities(np.log([0.5]), ["another"]) is None
    for pool in pools:
        assert (np.diff(np.array(pool.knots), axis=0) >= 0).all()
        assert pool.knots[0][1] > 0
        assert pool.knots[-1][1] < 1


def test_few_candidates_share_a_curve() -> None:
    (pool,) = fit_isotonic(queries(9)).pools
    assert (pool.first, pool.last) == (1, 10)


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=30))
def test_rising_never_falls_and_keeps_the_mean(values: list[float]) -> None:
    found = rising(np.array(values), np.ones(len(values)))
    assert (np.diff(found) >= 0).all()
    assert found.mean() == pytest.approx(np.mean(values), abs=1e-9)


def test_rising_leaves_what_rises_and_weighs_what_falls() -> None:
    assert rising(np.array([0.1, 0.2]), np.ones(2)).tolist() == [0.1, 0.2]
    assert rising(np.array([0.4, 0.1]), np.array([1.0, 2.0])) == pytest.approx([0.2, 0.2])


@given(PROBABILITIES, st.booleans())
def test_confidences_exclude_one_another(probabilities: np.ndarray, ordered: bool) -> None:
    found = coherent(probabilities, ordered=ordered)
    assert found.sum() <= 1 + 1e-9
    assert not ordered or (np.diff(found) <= 1e-12).all()


@given(st.lists(st.floats(-20, 0, allow_subnormal=False), min_size=1, max_size=15))
def test_what_is_given_sums_to_one_at_most(scores: list[float]) -> None:
    found = calibration().confidences(sorted(scores, reverse=True), [NAME] * len(scores))
    assert len(found) == len(scores)
    assert found[10:] == [None] * (len(scores) - 10)
    known = [c for c in found if c is not None]
    assert sum(known) <= 1 + 1e-12
    assert known == sorted(known, reverse=True)


def test_only_the_data_may_let_confidence_rise() -> None:
    knots = ((0.0, 0.1), (1.0, 0.5))
    pools = (Pool(NAME, 1, 1, knots), Pool(NAME, 2, 10, knots))
    values = {"method": "isotonic", "temperature": None, "pools": pools}
    scores = np.log([0.25, 0.5]).tolist()
    assert calibration(**values).confidences(scores, [NAME] * 2) == pytest.approx([0.25, 0.25])
    free = calibration(**values, ordered=False)
    assert free.confidences(scores, [NAME] * 2) == pytest.approx([0.2, 0.3], abs=1e-6)


def test_an_unknown_proposer_gets_no_confidence() -> None:
    pools = (Pool(NAME, 1, 10, ((0.5, 0.5),)),)
    found = calibration(method="isotonic", temperature=None, pools=pools)
    assert found.confidences([-1.0, -2.0], [NAME, "another"]) == [None, None]
    assert found.confidences([], []) == []


def test_a_file_reads_back(tmp_path: Path) -> None:
    saved = calibration(fitted_for={"proposers": {"a": "b"}}, cross_validation={"folds": 5})
    saved.save(tmp_path / "a.json")
    assert Calibration.load(tmp_path / "a.json") == saved
    pools = (Pool(NAME, 1, 10, ((0.5, 0.25), (0.75, 0.5))),)
    saved = calibration(method="isotonic", temperature=None, pools=pools)
    saved.save(tmp_path / "a.json")
    assert Calibration.load(tmp_path / "a.json") == saved


@pytest.mark.parametrize(
    "change",
    [
        {"format": "another"},
        {"version": 2},
        {"method": "magic"},
        {"unknown": 1},
        {"temperature": None},
        {"temperature": {"temperature": -1.0, "none": 0.0, "rest": 0.0}},
        {"temperature": {"temperature": 1.0, "none": "NaN", "rest": 0.0}},
        {"top_k": 0},
        {"method": "isotonic"},
        {"method": "isotonic", "temperature": None, "pools": []},
        {
            "method": "isotonic",
            "temperature": None,
            "pools": [{"proposer": NAME, "first": 1, "last": 10, "knots": [[0.1, 0.5], [0.2, 0.4]]}],
        },
        {
            "method": "isotonic",
            "temperature": None,
            "pools": [{"proposer": NAME, "first": 1, "last": 10, "knots": [[0.1, 1.5]]}],
        },
    ],
)
def test_a_damaged_file_is_a_model_error(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    calibration().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError):
        Calibration.load(path)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_what_is_no_calibration_is_a_model_error(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelError, match="cannot read the calibration"):
        Calibration.load(path)


def row(target: str, *smiles: str, score: float | None = -1.0) -> Prediction:
    return Prediction(0, "CCO", target, "ok", "", tuple(Candidate(s, score, NAME) for s in smiles))


def test_exact_match_is_judged_by_structure() -> None:
    found = answered([row("OCC.Cl", "CCO", "Cl.CCO"), row("no smiles", "C"), row("C")])
    assert [query.right.tolist() for query in found] == [[0.0, 1.0], [0.0]]


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(DataError, match="without a score"):
        answered([row("C", "C", score=None)])
    with pytest.raises(DataError, match="too few"):
        fit(queries(5))
    with pytest.raises(DataError, match="0 of them right"):
        fit([Answered(q.scores, q.proposers, np.zeros(5)) for q in queries(50)])
