"""Reports: every row counts, intervals are those of the bootstrap, pairs are compared in pairs."""

import numpy as np
import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.scoring import bootstrap_means, compare, score


def predictions(answers: list[tuple[str, ...]], *, target: str = "CCO", top_k: int = 10) -> Predictions:
    rows = tuple(
        Prediction(
            i, f"{'C' * (i + 1)}", target, "ok" if a else "no_answer", "", tuple(Candidate(s, 0.0, "t") for s in a)
        )
        for i, a in enumerate(answers)
    )
    return Predictions(Header("retrosynthesis", "toy", top_k), rows)


def test_every_row_counts() -> None:
    # Right at once; right at third place; unreadable first; no answer at all.
    report = score(predictions([("OCC",), ("C", "CC", "CCO"), ("C1", "CCO"), ()]), top_k=10)
    assert report.n == 4
    assert report.metrics["exact_match@1"] == 1 / 4
    assert report.metrics["exact_match@3"] == report.metrics["exact_match@10"] == 3 / 4
    assert report.metrics["validity@1"] == 2 / 4
    assert report.status_counts == {"ok": 3, "invalid_input": 0, "no_answer": 1}


def test_the_contract_object() -> None:
    report = score(predictions([("CCO",)]), top_k=10).as_dict()
    assert set(report) == {"task", "n", "model", "metrics", "intervals", "status_counts"}
    expected = {"exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "validity@1"}
    assert expected <= set(report["metrics"]) == set(report["intervals"])


def test_cutoffs_beyond_top_k_are_not_reported() -> None:
    names = set(score(predictions([("CCO",)], top_k=5), top_k=3).metrics)
    assert {"exact_match@1", "exact_match@3"} <= names
    assert not {"exact_match@5", "exact_match@10"} & names


@pytest.mark.parametrize("top_k", [0, 6])
def test_scoring_deeper_than_predicted_is_refused(top_k: int) -> None:
    with pytest.raises(UsageError, match=f"top {top_k}: the predictions hold the top 5"):
        score(predictions([("CCO",)], top_k=5), top_k=top_k)


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(DataError, match="no predictions"):
        score(predictions([]), top_k=1)


def test_unreadable_targets_are_said_and_counted_as_wrong() -> None:
    report = score(predictions([("CCO",)], target="C1CC"), top_k=1)
    assert report.metrics["exact_match@1"] == 0
    assert report.notes == ("1 targets cannot be read as SMILES and count as wrong; the first is row 0.",)
    assert score(predictions([("CCO",)]), top_k=1).notes == ()


def test_interval_of_a_share_is_near_the_normal_one() -> None:
    # 200 of 500 right: standard error sqrt(0.4 * 0.6 / 500) = 0.0219, so the 95 % interval is about 0.4 +- 0.043.
    report = score(predictions([("CCO",)] * 200 + [("C",)] * 300), top_k=1)
    low, high = report.intervals["exact_match@1"]
    assert low == pytest.approx(0.357, abs=0.008)
    assert high == pytest.approx(0.443, abs=0.008)
    assert report.intervals["validity@1"] == (1.0, 1.0)


def test_intervals_are_seeded() -> None:
    rows = predictions([("CCO",)] * 20 + [("C",)] * 17)
    assert score(rows, top_k=1) == score(rows, top_k=1)
    values = np.arange(7.0)[:, None]
    assert not np.array_equal(bootstrap_means(values, 10, seed=0), bootstrap_means(values, 10, seed=1))


def test_blocks_do_not_change_how_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(12.0).reshape(6, 2)
    whole = bootstrap_means(values, 50, seed=3)
    monkeypatch.setattr("retort.evaluation.scoring._BLOCK_VALUES", 6 * 2 * 7)
    assert np.array_equal(bootstrap_means(values, 50, seed=3), whole)
    assert whole.shape == (50, 2)
    assert np.allclose(whole[:, 1] - whole[:, 0], 1.0)  # columns of one resample come from the same rows


def test_pairs_are_sharper_than_two_intervals() -> None:
    # Both models agree on 190 rows; the second is right on 10 more. The difference is 10/200 and never negative.
    right, wrong = ("CCO",), ("C",)
    first = predictions([right] * 90 + [wrong] * 110)
    second = predictions([right] * 100 + [wrong] * 100)
    found = compare(first, second, top_k=1)["exact_match@1"]
    assert found.difference == pytest.approx(0.05)
    assert 0 < found.interval[0] < 0.05 < found.interval[1]
    apart = [score(p, top_k=1).intervals["exact_match@1"] for p in (first, second)]
    assert apart[0][1] > apart[1][0]  # the two single intervals overlap: only the pairs tell
    assert compare(second, first, top_k=1)["exact_match@1"].difference == pytest.approx(-0.05)


def test_unpaired_files_are_refused() -> None:
    one, two = predictions([("CCO",)]), predictions([("CCO",), ("CCO",)])
    with pytest.raises(UsageError, match=r"different questions \(1 and 2 rows\)"):
        compare(one, two, top_k=1)
    other = Predictions(Header("forward_prediction", "toy", 10), one.rows)
    with pytest.raises(UsageError, match="forward_prediction"):
        compare(one, other, top_k=1)
