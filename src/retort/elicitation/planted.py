"""Reactions whose types are known because they were planted: vectors to try elicitation on, in milliseconds.

An input holds two readable things: its *type*, which decides how the output differs from it, and its *surface*, which
spreads the inputs far more and decides nothing. A third thing, *hidden*, changes the output and cannot be read from the
input. A method that looks at inputs alone finds the surface; one that asks only what predicts the output finds the
hidden part too; the type is what is both relevant and readable. These are vectors, not molecules.
"""

from dataclasses import dataclass

import numpy as np

from retort.elicitation.checks import Doubles, Floats, Labels
from retort.errors import ConfigError

SIZE = 16
_STREAM = 0x5EED
_NOISE = 0.5
_CIRCLE = 1.5  # radius of the types in the input
_SURFACE = 12.0  # length of a surface's offset
_SHIFT = 6.0  # length of a type's change
_HIDDEN = 1.5  # length of the hidden change


@dataclass(frozen=True, eq=False)
class PlantedReactions:
    """Planted vectors and what was planted.

    Attributes:
        inputs: float32 [n, 16].
        outputs: float32 [n, 16]: input + change of the type + hidden change + noise.
        types: Readable from the input and relevant to the output, int64 [n].
        surface: Readable and irrelevant, int64 [n], as many as types.
        hidden: Relevant and unreadable, int64 [n], two.
    """

    inputs: Floats
    outputs: Floats
    types: Labels
    surface: Labels
    hidden: Labels


def planted_reactions(rows: int = 2000, types: int = 6, seed: int = 0) -> PlantedReactions:
    """Draw planted reactions.

    Types stand on a circle in the first two numbers, surfaces along random directions in the next four; the change of
    a type is a random direction of the last ten, the hidden one lies along the seventh number.

    Raises:
        ConfigError: Types are fewer than 2 or more than 10, or rows fewer than types.
    """
    if not 2 <= types <= 10 or rows < types:
        raise ConfigError(
            f"{types} types cannot be planted in {rows} rows.", "Plant 2 to 10 types in as many rows or more."
        )
    random = np.random.default_rng([seed, _STREAM])
    kinds, surface = (random.permutation(np.arange(rows) % types) for _ in range(2))
    hidden = random.permutation(np.arange(rows) % 2)
    angles = 2 * np.pi * np.arange(types) / types
    inputs = _NOISE * random.standard_normal((rows, SIZE))
    inputs[:, :2] += _CIRCLE * np.stack([np.cos(angles), np.sin(angles)], axis=1)[kinds]
    inputs[:, 2:6] += _SURFACE * _directions(random, types, 4)[surface]
    outputs = inputs + _NOISE * random.standard_normal((rows, SIZE))
    outputs[:, 6:] += _SHIFT * _directions(random, types, SIZE - 6)[kinds]
    outputs[:, 6] += _HIDDEN * (2 * hidden - 1)
    vectors = (inputs.astype(np.float32), outputs.astype(np.float32))
    return PlantedReactions(*vectors, kinds.astype(np.int64), surface.astype(np.int64), hidden.astype(np.int64))


def _directions(random: np.random.Generator, count: int, size: int) -> Doubles:
    """Return unit vectors [count, size], at right angles to each other as far as there is room."""
    drawn = random.standard_normal((max(count, size), size))
    square = np.linalg.qr(drawn[:size].T)[0].T
    rest = drawn[size:count] / np.linalg.norm(drawn[size:count], axis=1, keepdims=True)
    return np.concatenate([square, rest])[:count]
