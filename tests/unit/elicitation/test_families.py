"""Families of predictors: densities that integrate to what they should, and types ignored where they do not help."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.linear_model import Ridge

from retort.elicitation.checks import Doubles, IdenticalRowsError
from retort.elicitation.families import Codebook, Family, Features, Linear, _ridges, _tails

N, P, M = 120, 5, 3


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def data(random: np.random.Generator) -> tuple[Doubles, Doubles]:
    inputs = random.standard_normal((N, P))
    return inputs, inputs @ random.standard_normal((P, M)) + random.standard_normal((N, M))


def test_left_out_residuals_are_those_of_fits_without_the_row(data: tuple[Doubles, Doubles]) -> None:
    inputs, targets = data
    fast = _ridges(inputs, targets)[0]
    for row in (0, 17, N - 1):
        rest = np.delete(np.arange(N), row)
        slow = Ridge(1e-4 * N).fit(inputs[rest], targets[rest]).predict(inputs[[row]])[0]
        assert fast.residuals[row] == pytest.approx(targets[row] - slow, abs=1e-3)


def test_coefficients_are_those_of_the_library(data: tuple[Doubles, Doubles]) -> None:
    inputs, targets = data
    for penalty, ours in zip((1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0), _ridges(inputs, targets), strict=True):
        theirs = Ridge(penalty * N).fit(inputs, targets)
        assert ours.predict(inputs) == pytest.approx(theirs.predict(inputs), abs=1e-8)


@pytest.mark.parametrize("freedom", [2.0, 5.0, math.inf])
def test_densities_are_those_of_the_library(freedom: float, data: tuple[Doubles, Doubles]) -> None:
    residuals = _ridges(*data)[0].residuals
    tails = _tails(residuals, freedom)
    library = multivariate_normal(np.zeros(M), tails.scale) if math.isinf(freedom) else None
    expected = (library or multivariate_t(np.zeros(M), tails.scale, freedom)).logpdf(residuals)
    assert tails.density(residuals) == pytest.approx(expected, abs=1e-9)


def test_no_other_scale_is_likelier(data: tuple[Doubles, Doubles]) -> None:
    residuals = _ridges(*data)[0].residuals
    for freedom in (3.0, math.inf):
        best = _tails(residuals, freedom)
        others = [replace(best, scale=factor * best.scale) for factor in (0.9, 1.1)]
        assert all(best.density(residuals).mean() > other.density(residuals).mean() for other in others)


def test_the_likeliest_penalty_is_taken(data: tuple[Doubles, Doubles]) -> None:
    inputs, targets = data
    logs = Linear(freedom=math.inf).log_likelihood(Features(inputs), targets, Features(inputs), targets)
    tried = [(_tails(r.residuals, math.inf), r) for r in _ridges(inputs, targets)]
    tails, ridge = max(tried, key=lambda pair: float(pair[0].density(pair[1].residuals).mean()))
    assert logs == pytest.approx(tails.density(targets - ridge.predict(inputs)), abs=1e-9)


def test_a_far_row_costs_a_student_less(data: tuple[Doubles, Doubles]) -> None:
    residuals = _ridges(*data)[0].residuals
    far = np.concatenate([residuals, np.full((1, M), 100.0)])
    loss = {
        f: float((_tails(residuals, f).density(residuals) - _tails(far, f).density(residuals)).mean())
        for f in (5.0, math.inf)
    }
    assert loss[5.0] < 0.1 < 1.0 < loss[math.inf]


def test_differences_do_not_depend_on_the_scale_of_targets(
    data: tuple[Doubles, Doubles], random: np.random.Generator
) -> None:
    inputs, targets = data
    types = np.eye(2)[random.integers(2, size=N)]
    targets = targets + 3 * types[:, :1]
    turn = random.standard_normal((M, M))

    def gains(wanted: Doubles) -> Doubles:
        with_types, without = (
            Linear().log_likelihood(Features(inputs, t), wanted, Features(inputs, t), wanted) for t in (types, None)
        )
        return with_types - without

    assert gains(targets @ turn) == pytest.approx(gains(targets), abs=1e-5)
    assert gains(targets).mean() > 0.1


@pytest.mark.parametrize("family", [Linear(), Linear(freedom=math.inf), Codebook(codes=4)])
def test_types_that_say_nothing_are_ignored(family: Family, data: tuple[Doubles, Doubles]) -> None:
    inputs, targets = data
    wanted = family.represent(targets.astype(np.float32))
    noise = np.random.default_rng(5).dirichlet(np.ones(4), N)
    fit, judged = Features(inputs[:90], noise[:90]), Features(inputs[90:], noise[90:])
    without = family.log_likelihood(Features(inputs[:90]), wanted[:90], Features(inputs[90:]), wanted[90:])
    assert (family.log_likelihood(fit, wanted[:90], judged, wanted[90:]) == without).all()


def test_linear_targets_are_components_that_vary() -> None:
    random = np.random.default_rng(1)
    flat = (random.standard_normal((50, 2)) @ random.standard_normal((2, 9))).astype(np.float32)
    assert Linear(size=5).represent(flat).shape == (50, 2)
    assert Linear(size=5).represent(flat[:, :1]).shape == (50, 1)


def test_a_codebook_counts_and_refuses_too_few_targets(data: tuple[Doubles, Doubles]) -> None:
    inputs, targets = data
    family = Codebook(codes=6)
    codes = family.represent(targets.astype(np.float32))
    assert sorted(np.unique(codes).tolist()) == list(range(6))
    logs = family.log_likelihood(Features(inputs), codes, Features(inputs), codes)
    assert logs.max() < 0
    assert logs.mean() > -np.log(6)
    with pytest.raises(IdenticalRowsError):
        family.represent(np.zeros((50, 2), np.float32))
