"""What is planted is there: as many of each kind as of any other, related to input and output as promised."""

import numpy as np
import pytest

from retort.elicitation.clustering import adjusted_rand, sizes
from retort.elicitation.planted import planted_reactions
from retort.errors import ConfigError


def test_kinds_are_of_like_size_and_independent() -> None:
    planted = planted_reactions(601, 6)
    for labels, kinds in ((planted.types, 6), (planted.surface, 6), (planted.hidden, 2)):
        assert np.ptp(sizes(labels, kinds)) == 1
    for labels in (planted.surface, planted.hidden):
        assert abs(adjusted_rand(planted.types, labels)) < 0.02


def test_the_same_seed_plants_the_same() -> None:
    first, second, other = (planted_reactions(50, 3, seed) for seed in (1, 1, 2))
    assert (first.outputs == second.outputs).all()
    assert (first.outputs != other.outputs).any()
    assert first.inputs.dtype == first.outputs.dtype == np.float32
    assert first.inputs.shape == first.outputs.shape == (50, 16)


def test_type_and_hidden_part_move_the_output_and_the_surface_does_not() -> None:
    planted = planted_reactions(3000, 4)
    change = planted.outputs - planted.inputs

    def spread(labels: np.ndarray) -> float:
        """Largest distance of a kind's mean change from the mean of all."""
        means = [change[labels == kind].mean(0) - change.mean(0) for kind in np.unique(labels)]
        return float(np.linalg.norm(means, axis=1).max())

    assert spread(planted.types) > 3
    assert spread(planted.hidden) > 1
    assert spread(planted.surface) < 0.5


@pytest.mark.parametrize(("rows", "types"), [(100, 1), (100, 11), (3, 4)])
def test_what_cannot_be_planted_is_refused(rows: int, types: int) -> None:
    with pytest.raises(ConfigError, match="Plant 2 to 10 types"):
        planted_reactions(rows, types)
