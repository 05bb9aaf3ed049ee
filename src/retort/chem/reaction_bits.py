"""Which environments a reaction makes and which it changes, as bits: for finding the known reactions nearest to one.

Two halves of 1,024 Morgan bits of radius 2, stereo aside: the environments of the product, and those that occur more
or less often behind the reaction than before it. Reagents count for nothing. Of 1,000 test reactions of USPTO-50k, the
nearest train reaction by these bits is of the same curated class for 88.8 %; by product and reactants it is for 64.9 %,
by the product alone for 53.9 % (docs/decisions/0018-evidence.md).
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.reaction import Reaction
from retort.chem.smiles import parse

HALF, RADIUS = 1024, 2
BYTES = 2 * HALF // 8
Bits = NDArray[np.uint8]


def reaction_bits(reaction: Reaction) -> Bits:
    """Return the packed bits [256] of a reaction without atom maps.

    Raises:
        ChemistryError: A molecule of its reactants or products cannot be read.
    """
    before, after = _environments(reaction.reactants), _environments(reaction.products)
    changed = [bit for bit in before.keys() | after.keys() if before[bit] != after[bit]]
    return np.concatenate([_packed(after), _packed(changed)])


def product_bits(molecules: Iterable[str]) -> Bits:
    """Return the packed bits [128] of molecules, as they fill the first half; raises as :func:`reaction_bits`."""
    return _packed(_environments(molecules))


def _environments(molecules: Iterable[str]) -> Counter[int]:
    total: Counter[int] = Counter()
    for molecule in molecules:
        total.update(_generator().GetCountFingerprint(parse(molecule)).GetNonzeroElements())
    return total


def _packed(bits: Iterable[int]) -> Bits:
    present = np.zeros(HALF, np.uint8)
    present[list(bits)] = 1
    return np.packbits(present)


@lru_cache(maxsize=1)
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=HALF)
