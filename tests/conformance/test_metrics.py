"""What every metric must do: see the molecule and not its spelling, keep multiplicity, count every row."""

import random

import pytest

from retort.chem.smiles import randomize
from retort.evaluation.metric import METRICS, Metric
from retort.evaluation.predictions import Candidate, Prediction

NAMES = METRICS.names()
TARGET = "CC(=O)Cl.N[C@@H](C)c1ccccc1.[Na+].[Na+]"
ANSWERS = (
    "CC(=O)Cl.N[C@H](C)c1ccccc1.[Na+].[Na+]",
    "CC(=O)O.NC(C)c1ccccc1",
    "[Na+].CC(=O)Cl.N[C@@H](C)c1ccccc1.[Na+]",
    "CCO",
)


@pytest.fixture(params=NAMES)
def metric(request: pytest.FixtureRequest) -> Metric:
    return METRICS.get(request.param)


def row(answers: tuple[str, ...], target: str = TARGET) -> Prediction:
    candidates = tuple(Candidate(answer, -float(i), "toy") for i, answer in enumerate(answers))
    return Prediction(0, "C", target, "ok" if answers else "no_answer", "", candidates)


def test_all_metrics_are_found() -> None:
    assert len(NAMES) >= 8
    assert {"exact_match", "exact_match_stereo_free", "validity", "similarity"} <= set(NAMES)
    assert {"inchi_match", "levenshtein", "rdk_similarity", "maccs_similarity"} <= set(NAMES)


def test_the_card_is_complete(metric: Metric) -> None:
    assert METRICS.get(metric.name) is metric
    assert metric.summary
    assert metric.cutoffs
    assert list(metric.cutoffs) == sorted(set(metric.cutoffs))
    assert min(metric.cutoffs) >= 1


def test_policies_are_stated(metric: Metric) -> None:
    module = __import__(f"retort.evaluation.metrics.{metric.name}", fromlist=["METRIC"])
    assert module.__doc__ is not None
    assert "Canonicalisation:" in module.__doc__
    assert "Stereo policy:" in module.__doc__


def test_spelling_and_order_do_not_matter(metric: Metric) -> None:
    rng = random.Random(1)
    expected = [metric.per_row(row(ANSWERS), k) for k in metric.cutoffs]
    for _ in range(10):
        answers = tuple(randomize(answer, rng) for answer in ANSWERS)
        respelled = row(answers, randomize(TARGET, rng))
        assert [metric.per_row(respelled, k) for k in metric.cutoffs] == expected


def test_the_target_itself_is_worth_one(metric: Metric) -> None:
    assert [metric.per_row(row((TARGET,) * k), k) for k in metric.cutoffs] == [1.0] * len(metric.cutoffs)


@pytest.mark.parametrize("answers", [(), ("",), ("C1CC",), (" ",), ("no SMILES",)])
def test_nothing_readable_is_worth_nothing(metric: Metric, answers: tuple[str, ...]) -> None:
    assert [metric.per_row(row(answers), k) for k in metric.cutoffs] == [0.0] * len(metric.cutoffs)


def test_worth_is_a_fraction_and_reads_k_candidates_only(metric: Metric) -> None:
    for k in metric.cutoffs:
        worth = metric.per_row(row(ANSWERS), k)
        assert 0.0 <= worth <= 1.0
        assert metric.per_row(row(ANSWERS[:k]), k) == worth


def test_no_answer_is_better_than_the_target(metric: Metric) -> None:
    for answers in (ANSWERS, ANSWERS[::-1], ANSWERS[1:], ("[Na+]", "CCO", "")):
        for k in metric.cutoffs:
            assert metric.per_row(row(answers), k) <= metric.per_row(row((TARGET,) * k), k)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"validity"}))  # which does not look at the target
def test_a_component_too_few_or_too_many_is_seen(name: str) -> None:
    metric = METRICS.get(name)
    one_ion, three_ions = TARGET.removesuffix(".[Na+]"), f"{TARGET}.[Na+]"
    assert metric.per_row(row((one_ion,)), 1) < 1 > metric.per_row(row((three_ions,)), 1)


def test_status_gives_no_credit(metric: Metric) -> None:
    """A row that was answered and one that was not differ by their candidates alone."""
    for status in ("invalid_input", "no_answer"):
        lost = Prediction(0, "C", TARGET, status, "", ())  # type: ignore[arg-type]
        assert all(metric.per_row(lost, k) == 0.0 for k in metric.cutoffs)
