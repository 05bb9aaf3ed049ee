"""Samples: of the right size, seeded, nested, and spread over the whole source."""

from collections.abc import Iterator

import pytest

from retort.data.records import RawRow
from retort.data.sampling import draw, sampled, threshold

ROWS = [RawRow(f"r{i}", ("train", "valid", "test", "train", "all")[i % 5], "C>>O") for i in range(2000)]


def rows() -> Iterator[RawRow]:
    return iter(ROWS)


def sample(fraction: float = 1.0, limit: int | None = None, seed: int = 1, *, whole: bool = False) -> list[str]:
    below = threshold(rows, "s", seed, fraction, limit, whole=whole)
    return [row.id for row in sampled(rows(), "s", seed, below, whole=whole)]


def test_everything_is_read_unless_asked_otherwise() -> None:
    assert sample() == [row.id for row in ROWS]
    assert sample(limit=len(ROWS)) == sample()


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_fraction_is_near_its_share(fraction: float) -> None:
    assert len(sample(fraction)) / len(ROWS) == pytest.approx(fraction, abs=0.04)


def test_a_limit_is_exact_seeded_and_not_the_head() -> None:
    chosen = sample(limit=100)
    assert len(chosen) == 100
    assert chosen == sample(limit=100)
    assert chosen != sample(limit=100, seed=2)
    places = [int(row[1:]) for row in chosen]
    assert places == sorted(places)
    assert max(places) > 1500


def test_smaller_samples_are_parts_of_larger_ones() -> None:
    assert set(sample(limit=50)) < set(sample(limit=200)) < set(sample(0.5)) < set(sample(0.8))
    assert len(sample(0.1, limit=1500)) == len(sample(0.1))


def test_a_published_valid_or_test_part_stays_whole() -> None:
    chosen = sample(limit=30, whole=True)
    held_out = [row.id for row in ROWS if row.split in ("valid", "test")]
    assert [row for row in chosen if row in set(held_out)] == held_out
    assert len(chosen) == len(held_out) + 30


def test_numbers_are_spread_evenly_and_differ_between_sources() -> None:
    numbers = [draw(1, "s", row.id) for row in ROWS]
    assert sum(numbers) / len(numbers) == pytest.approx(0.5, abs=0.03)
    assert numbers != [draw(1, "t", row.id) for row in ROWS]
