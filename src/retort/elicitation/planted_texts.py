"""Planted reactions as texts: what :mod:`retort.elicitation.planted` is for vectors, for whole recipes.

An input names a *surface*, two molecules that have no part in the reaction, and a *pair* of molecules. Which two they
are is the type: it decides what they become together, which neither of them tells by itself. By chance the output also
has *hidden* molecules that nothing in the input foretells. The SMILES are valid and the rules are made up: this is not
chemistry.
"""

from dataclasses import dataclass

import numpy as np

from retort.elicitation.checks import Labels
from retort.errors import ConfigError

_STREAM = 0x7E47
_FIRST = ("CBr", "CI", "CCl")  # a type is one of each pair, all of one length
_SECOND = ("CS", "CO", "CN", "CP")
_MADE = ("CC#N", "CC=O", "CC=S", "C=CF", "CN=N", "CN=O", "CB=O", "C#CBr", "C#CI", "C=CCl")
_SURFACES = (  # all of one length, so that no vector tells them apart by how many atoms it is the mean of
    "c1ccc2ccccc2c1",
    "C1CCC2CCCCC2C1",
    "c1ccc2ncccc2c1",
    "C1CCC2OCCCC2C1",
    "c1ccc2cnccc2c1",
    "C1CCC2SCCCC2C1",
)
_CHAIN = 12  # atoms of the chain that makes rows differ
_HIDDEN = ("O", "N", "F", "S")
MOST = len(_MADE)


@dataclass(frozen=True)
class PlantedTexts:
    """Planted reactions.

    Attributes:
        inputs: SMILES of what is given, components joined by ``.``.
        targets: SMILES of what it becomes.
        types: Readable from the input and relevant to the target, int64 [n].
        surface: Readable and irrelevant, int64 [n].
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    types: Labels
    surface: Labels


def planted_texts(rows: int = 600, types: int = 6, seed: int = 0) -> PlantedTexts:
    """Draw planted reactions, of every type as many as can be.

    Raises:
        ConfigError: Types are fewer than 2 or more than 10, or rows fewer than types.
    """
    if not 2 <= types <= MOST or rows < types:
        raise ConfigError(
            f"{types} types cannot be planted in {rows} rows.", f"Plant 2 to {MOST} types in as many rows or more."
        )
    random = np.random.default_rng([seed, _STREAM])
    kinds = random.permutation(np.arange(rows) % types).astype(np.int64)
    surface = random.permutation(np.arange(rows) % len(_SURFACES)).astype(np.int64)
    hidden = random.integers(len(_HIDDEN), size=(rows, 3))
    inputs, targets = [], []
    for row in range(rows):
        idle = f"{_chain(random)}.{_SURFACES[surface[row]]}"
        pair = [_FIRST[kinds[row] % len(_FIRST)], _SECOND[kinds[row] // len(_FIRST)]]
        inputs.append(".".join([idle, *pair, *pair, *pair]))
        made = [_MADE[kinds[row]]] * 3
        targets.append(".".join([*made, *(_HIDDEN[kind] for kind in hidden[row])]))
    return PlantedTexts(tuple(inputs), tuple(targets), kinds, surface)


def _chain(random: np.random.Generator) -> str:
    """Return a chain of carbon atoms with an oxygen and a sulfur atom somewhere inside."""
    atoms = ["C"] * _CHAIN
    oxygen, sulfur = random.choice(np.arange(1, _CHAIN - 1), size=2, replace=False)
    atoms[oxygen], atoms[sulfur] = "O", "S"
    return "".join(atoms)
