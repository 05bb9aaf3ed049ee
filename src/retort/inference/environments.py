"""How far a query is from the training data: which of its atom environments no training molecule has.

An environment is an atom with everything within two bonds, as the Morgan algorithm numbers it (Rogers and Hahn, J.
Chem. Inf. Model. 2010, 50, 742), stereo aside. A model keeps the 32-bit numbers of all environments of its training
molecules, sorted; molecules cannot be read back from them. Of a query, the share of environments that are not among
them is its distance, 0..1. It sees strange groups, and nothing else: a familiar group in a strange place counts as
familiar.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import parse

RADIUS = 2
Keys = NDArray[np.uint32]


def environments(molecules: str) -> set[int]:
    """Return the numbers of all environments of molecules joined by ``.``.

    Raises:
        ChemistryError: They cannot be read.
    """
    return set(_generator().GetSparseCountFingerprint(parse(molecules)).GetNonzeroElements())


def known_environments(molecules: Iterable[str]) -> Keys:
    """Return the sorted numbers of all environments of many molecules; raises as :func:`environments`."""
    found: set[int] = set()
    for text in molecules:
        found |= environments(text)
    return np.array(sorted(found), np.uint32)


def strange(known: Keys, molecules: str) -> tuple[int, int]:
    """Return how many environments of molecules are not known, and how many they have; raises as above."""
    asked = np.fromiter(environments(molecules), np.uint32)
    places = np.searchsorted(known, asked)
    there = (places < known.size) & (known[np.minimum(places, known.size - 1)] == asked) if known.size else asked < 0
    return int((~there).sum()), len(asked)


@lru_cache(maxsize=1)
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS)
