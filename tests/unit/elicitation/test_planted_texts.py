"""Planted texts: valid SMILES, types that neither molecule of a pair tells by itself, chance that nothing foretells."""

import numpy as np
import pytest

from retort.chem.smiles import canonicalize
from retort.elicitation.planted_texts import MOST, planted_texts
from retort.errors import ConfigError


def test_all_of_it_is_smiles_and_follows_from_the_seed() -> None:
    planted = planted_texts(60, MOST)
    assert all(canonicalize(text) for text in (*planted.inputs, *planted.targets))
    assert planted_texts(60, MOST).inputs == planted.inputs
    assert planted_texts(60, MOST, seed=1).inputs != planted.inputs


def test_types_are_even_and_decided_by_the_pair() -> None:
    planted = planted_texts(300, 6)
    assert np.bincount(planted.types).tolist() == [50] * 6
    pairs = [tuple(text.split(".")[2:4]) for text in planted.inputs]
    made = [text.split(".")[0] for text in planted.targets]
    assert len(dict(zip(pairs, planted.types.tolist(), strict=True))) == 6
    assert len({*zip(pairs, planted.types.tolist(), strict=True)}) == 6
    assert len({*zip(planted.types.tolist(), made, strict=True)}) == 6
    for place in (0, 1):
        assert len({pair[place] for pair in pairs}) < 6


def test_chance_is_not_in_the_input() -> None:
    planted = planted_texts(2000, 2)
    outcomes: dict[str, set[str]] = {}
    for given, target in zip(planted.inputs, planted.targets, strict=True):
        outcomes.setdefault(given, set()).add(target)
    assert max(map(len, outcomes.values())) > 1


def test_too_many_types_are_refused() -> None:
    for rows, types in ((100, MOST + 1), (100, 1), (3, 4)):
        with pytest.raises(ConfigError, match="cannot be planted"):
            planted_texts(rows, types)
