"""Calibration error and its companions, on numbers worked out by hand and on drawn outcomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.errors import DataError
from retort.evaluation.reliability import (
    BINS,
    calibration_error,
    chance_error,
    equal_mass,
    log_losses,
    reliability,
    text_diagram,
)

CONFIDENCES = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=60)


def drawn(n: int, power: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and outcomes whose true probability is ``confidence ** power``."""
    rng = np.random.default_rng(3)
    confidence = rng.random(n)
    return confidence, (rng.random(n) < confidence**power).astype(float)


def test_two_bins_by_hand() -> None:
    confidence, right = np.array([0.1, 0.3, 0.6, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    # bins {0.1, 0.3}: |0.2 - 0|; {0.6, 0.8}: |0.7 - 1|; each of half the mass
    assert calibration_error(confidence, right, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)


def test_figures_by_hand() -> None:
    found = reliability(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert (found.n, found.accuracy, found.error, found.brier) == (2, 0.5, 0.0, 0.25)
    assert found.log_loss == pytest.approx(np.log(2))
    (only,) = found.bins
    assert (only.n, only.confidence, only.accuracy) == (2, 0.5, 0.5)
    assert 0.05 < only.low < 0.15  # Wilson: 0.095
    assert only.high == pytest.approx(1 - only.low)


def test_a_calibrated_set_is_near_zero_and_an_overconfident_one_far() -> None:
    confidence, right = drawn(20_000)
    assert calibration_error(confidence, right) < 0.015
    confidence, right = drawn(20_000, power=3.0)
    assert calibration_error(confidence, right) == pytest.approx(0.25, abs=0.02)  # mean of p - p**3


def test_chance_says_what_a_perfect_model_would_show() -> None:
    confidence, right = drawn(600)
    assert chance_error(confidence) == pytest.approx(0.045, abs=0.01)
    assert chance_error(confidence[:60]) > 2 * chance_error(confidence)
    assert calibration_error(confidence, right) < 2 * chance_error(confidence)


def test_bins_hold_equal_numbers_and_never_part_equal_values() -> None:
    assert np.bincount(equal_mass(np.linspace(0, 1, 150), BINS)).tolist() == [10] * BINS
    tied = np.array([0.2] * 40 + [0.7] * 20)
    assert len(set(equal_mass(tied, BINS)[:40])) == len(set(equal_mass(tied, BINS)[40:])) == 1


@given(CONFIDENCES)
def test_the_order_of_rows_does_not_matter(values: list[float]) -> None:
    confidence = np.array(values)
    right = (np.arange(len(values)) % 2 == 0).astype(float)
    back = calibration_error(confidence[::-1], right[::-1])
    assert back == pytest.approx(calibration_error(confidence, right), abs=1e-12)
    assert 0 <= back <= 1


def test_a_sure_mistake_costs_much_and_not_everything() -> None:
    assert log_losses(np.array([1.0, 0.0]), np.array([0.0, 1.0])).tolist() == pytest.approx([13.8155] * 2, abs=1e-3)


def test_the_text_diagram_has_a_line_for_every_bin() -> None:
    confidence, right = drawn(300)
    lines = text_diagram(reliability(confidence, right))
    assert len(lines) == 1 + BINS
    assert all("|" in line for line in lines[1:])


def test_nothing_cannot_be_judged() -> None:
    with pytest.raises(DataError):
        reliability(np.array([]), np.array([]))


def test_the_interval_of_a_bin_holds_its_share() -> None:
    """Also where all or none are right and rounding would end the interval before it."""
    for n in range(1, 400, 9):
        for outcome in (0.0, 1.0):
            (only,) = reliability(np.full(n, 0.5), np.full(n, outcome)).bins
            assert only.low <= only.accuracy <= only.high
