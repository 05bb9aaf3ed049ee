"""Networks of values: averages and corrected intervals worked out by hand, the border of the domain, files, damage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retort.errors import ModelError
from retort.models.boosted import ModelMeta
from retort.models.value_network import Domain, ValueNetwork, distinct_rows

META = ModelMeta("yield_prediction", {"kind": "molecules", "bits": 4}, "0", 0, 2)
# Molecules A, B, C, D of one bit each, and a row in which E has one of A's two bits.
A, B, C, D = (np.array([1 << i], np.uint64) for i in range(4))
ROWS = distinct_rows([[0, 1], [0, 2, 3], [1, 0]])


def domain(least: float = 1.0) -> Domain:
    return Domain(np.stack([A, B, C, D]), ROWS, least)


def network(correction: float = 2.0) -> ValueNetwork:
    """Two networks of one layer that say (x, x - 1, x + 1) and (x + 2, x - 3, x + 5) of the first column, times ten."""
    weights = np.array([[[1, 1, 1]], [[1, 1, 1]]], np.float32)
    biases = np.array([[0, -1, 1], [2, -3, 5]], np.float32)
    columns, centre, scale = np.array([2], np.int32), np.array([1], np.float32), np.array([2], np.float32)
    return ValueNetwork(META, columns, centre, scale, (weights,), (biases,), (50.0, 10.0), correction, 0.9, domain())


def test_networks_are_averaged_and_the_interval_is_corrected() -> None:
    counts = np.array([[9, 9, 1, 9], [0, 0, 3, 0]], np.float32)  # x = 0 and 1
    expected = [[60, 50 - 20 - 2, 50 + 30 + 2], [70, 60 - 20 - 2, 60 + 30 + 2]]
    assert network().predict(counts, (0.0, 100.0)) == pytest.approx(np.array(expected))


def test_ends_stay_within_bounds_and_around_the_value() -> None:
    counts = np.array([[0, 0, 13, 0], [0, 0, -20, 0]], np.float32)  # x = 6 and -10.5
    found = network(-60.0).predict(counts, (0.0, 100.0))
    assert found.tolist() == [[100.0, 100.0, 100.0], [0.0, 0.0, 15.0]] or (found[:, 1] <= found[:, 0]).all()
    assert ((found >= 0) & (found <= 100)).all()
    assert ((found[:, 1] <= found[:, 0]) & (found[:, 0] <= found[:, 2])).all()


def test_distinct_rows_are_sets_of_molecules() -> None:
    assert ROWS.tolist() == [[0, 1, -1], [0, 2, 3]]


@pytest.mark.parametrize(
    ("asked", "strangers", "exchanged"),
    [
        ([A, B], [], 0),
        ([A, C], [], 1),  # one in the place of another, or one too few
        ([A], [], 1),
        ([A, B, C], [], 1),
        ([B, C, D], [], 1),
        ([B], [], 1),
        ([D], [], 2),
        ([A, np.array([16], np.uint64)], [1], 1),
    ],
)
def test_the_domain_counts_molecules(asked: list[np.ndarray], strangers: list[int], exchanged: int) -> None:
    words = np.stack(asked)
    assert domain().strangers(words).tolist() == strangers
    assert domain().exchanged(words) == exchanged


def test_a_lower_threshold_takes_similar_molecules_for_the_same() -> None:
    words = np.array([[3], [2]], np.uint64)  # bits of A and B together, and B
    assert domain().strangers(words).tolist() == [0]
    assert domain(0.5).strangers(words).tolist() == []
    assert domain(0.5).exchanged(words) == 0


def test_a_file_keeps_them_and_damage_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    network().save(path)
    again = ValueNetwork.load(path)
    counts = np.array([[9, 9, 1, 9], [0, 0, 3, 0]], np.float32)
    assert again.predict(counts, (0.0, 100.0)) == pytest.approx(network().predict(counts, (0.0, 100.0)))
    assert again.meta == META
    assert again.domain.rows.tolist() == ROWS.tolist()
    for broken in (
        replace(network(), centre=np.zeros(2, np.float32)),
        replace(network(), columns=np.array([4], np.int32)),
        replace(network(), biases=(np.zeros((2, 2), np.float32),)),
    ):
        broken.save(path)
        with pytest.raises(ModelError, match="cannot use the model"):
            ValueNetwork.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ModelError, match="cannot read the model"):
        ValueNetwork.load(path)
