"""Weights of tasks and sources, and the temperature between tasks."""

import numpy as np
import pytest

from retort.data.batches import BatchLimits, plan_epoch, weights_of
from retort.data.collate import PreparedSplit
from retort.data.mixture import Mixture, counted, row_weights, visits
from retort.errors import ConfigError, UnknownNameError

TASKS = np.repeat(np.array([0, 1, 2], np.uint8), [900, 90, 10])
SOURCES = (np.arange(1000) % 4 == 0).astype(np.uint8)
NAMES, PLACES = ("a", "b", "c"), ("patents", "journals")


def per_task(mixture: Mixture) -> list[float]:
    weights = row_weights(TASKS, NAMES, SOURCES, PLACES, mixture)
    return [float(weights[task == TASKS].sum()) for task in range(3)]


def test_without_wishes_every_row_is_visited_once() -> None:
    assert set(row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture()).tolist()) == {1.0}
    assert set(row_weights(TASKS, NAMES, None, (), Mixture()).tolist()) == {1.0}


def test_temperature_draws_tasks_together_and_keeps_the_size_of_an_epoch() -> None:
    assert per_task(Mixture(temperature=1.0)) == pytest.approx([900, 90, 10])
    roots = np.sqrt([900, 90, 10])
    assert per_task(Mixture(temperature=2.0)) == pytest.approx((1000 * roots / roots.sum()).tolist())
    assert per_task(Mixture(temperature=1e9)) == pytest.approx([1000 / 3] * 3)


def test_task_weights_multiply_tempered_shares() -> None:
    found = per_task(Mixture({"b": 3.0, "c": 0.0}, temperature=2.0))
    assert found[2] == 0
    assert found[1] / found[0] == pytest.approx(3 * np.sqrt(90 / 900))
    assert sum(found) == pytest.approx(900 + 3 * 90)


def test_source_weights_multiply() -> None:
    weights = row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture({"b": 2.0}, {"journals": 0.25}))
    assert weights[4] == 0.25
    assert weights[904] == 0.5
    assert weights[905] == 2.0
    assert row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture(sources={"patents": 0.0})).sum() == 250


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown source 'patent'"):
        row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture(sources={"patent": 1.0}))
    with pytest.raises(UnknownNameError, match="unknown source 'patents'"):
        row_weights(TASKS, NAMES, None, (), Mixture(sources={"patents": 1.0}))
    with pytest.raises(UnknownNameError, match="unknown task 'd'"):
        row_weights(TASKS, NAMES, None, (), Mixture({"d": 1.0}))
    with pytest.raises(ConfigError, match="source weights must not be negative"):
        row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture(sources={"patents": -1.0}))


def test_a_pair_has_a_factor_of_its_own() -> None:
    alone = row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture({"b": 2.0}, {"journals": 0.25}))
    paired = row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture({"b": 2.0, "b/journals": 3.0}, {"journals": 0.25}))
    here = (NAMES.index("b") == TASKS) & (PLACES.index("journals") == SOURCES)
    assert 0 < here.sum() < len(TASKS)
    assert paired[here].tolist() == (3 * alone[here]).tolist()
    assert paired[~here].tolist() == alone[~here].tolist()
    for key in ("b/journal", "d/journals"):
        with pytest.raises(UnknownNameError, match=r"journal|d"):
            row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture({key: 1.0}))
    with pytest.raises(UnknownNameError):
        row_weights(TASKS, NAMES, None, (), Mixture({"b/journals": 1.0}))
    with pytest.raises(ConfigError, match="task weights must not be negative"):
        row_weights(TASKS, NAMES, SOURCES, PLACES, Mixture({"b/journals": -1.0}))


def test_visits_follow_weights() -> None:
    weights = np.array([0.0, 1.0, 2.5, 0.25])
    random = np.random.default_rng(0)
    total = np.mean([np.bincount(visits(weights, random), minlength=4) for _ in range(2000)], axis=0)
    assert total == pytest.approx(weights, abs=0.05)
    assert counted(np.array([0, 2, 2], np.uint8), NAMES) == {"a": 1, "b": 0, "c": 2}


def test_a_plan_follows_the_folders_own_weights_unless_told_otherwise() -> None:
    sequences = np.array([[5, 1], [6, 1]] * 1000, np.uint16).ravel()
    offsets = np.arange(0, 4001, 2, dtype=np.int64)
    split = PreparedSplit(sequences, offsets, TASKS, NAMES, 1, SOURCES, PLACES, {"journals": 0.0, "patents": 2.0})
    limits = BatchLimits(tokens=400, source=10, target=10)

    def seen(mixture: Mixture | None) -> dict[str, int]:
        rows = np.concatenate(plan_epoch(split, limits, epoch=0, seed=0, mixture=mixture).batches)
        return counted(SOURCES[rows], PLACES)

    assert seen(None) == {"patents": 1500, "journals": 0}
    assert seen(Mixture(sources={"journals": 1.0})) == {"patents": 1500, "journals": 250}
    assert weights_of(split, Mixture(sources={"patents": 1.0})).sum() == 750
