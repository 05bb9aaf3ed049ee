"""A training configuration that cannot work is refused in the words of the user."""

from typing import Any

import pytest

from retort.config import build, describe
from retort.errors import ConfigError
from retort.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "the run has no end"),
        ({"total_tokens": 1, "decay_fraction": 1.0}, "training.decay_fraction is 1.0"),
        ({"total_tokens": 1, "ema_decay": -0.1}, "training.ema_decay is -0.1"),
        ({"total_tokens": 1, "tokens_per_batch": 0}, "training.tokens_per_batch is 0"),
        ({"total_tokens": 1, "task_temperature": 0.0}, "training.task_temperature is 0.0"),
        ({"total_tokens": 1, "pad_to_multiple": 0}, "training.pad_to_multiple is 0"),
    ],
)
def test_impossible_values_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**values)


def test_it_loads_through_the_house_loader() -> None:
    loaded = build(
        TrainingConfig, {"budget_minutes": 5, "task_weights": {"retrosynthesis": 2}, "freeze": ["a"]}, "here"
    )
    assert (loaded.budget_minutes, loaded.task_weights, loaded.freeze) == (5.0, {"retrosynthesis": 2.0}, ("a",))


def test_every_option_has_help() -> None:
    rows = describe(TrainingConfig)
    assert len(rows) >= 20
    assert all(text.endswith(".") for _, _, text in rows)
