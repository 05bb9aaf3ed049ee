"""What the training rows know of a candidate: how often its molecules and its kind of change occur there.

Only hashes of four bytes and counts are kept, so rows cannot be read back; two different texts share a hash with a
probability of about n / 2**32. A change is the difference of the hashed Morgan environments (radius 1, no stereo) of
both sides, a cheap relative of a reaction template.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import Fingerprint

ENVIRONMENTS = Fingerprint("reaction", bits=2**17, radius=1, chirality=False)
_HALF = ENVIRONMENTS.bits // 2
Count = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something occurs, by its hash.

    Attributes:
        keys: uint32 [n], sorted.
        counts: uint16 [n], largest value for all above.
    """

    keys: NDArray[np.uint32]
    counts: NDArray[np.uint16]

    @classmethod
    def of(cls, counted: Count, minimum: int = 1) -> "Counts":
        """Sort a counter, leaving out what occurs less often than ``minimum``."""
        kept = sorted((key, min(n, 2**16 - 1)) for key, n in counted.items() if n >= minimum)
        return cls(np.array([k for k, _ in kept], np.uint32), np.array([n for _, n in kept], np.uint16))

    def __getitem__(self, key: int) -> int:
        """Return the count; 0 where it never occurs."""
        place = int(np.searchsorted(self.keys, np.uint32(key)))
        return int(self.counts[place]) if place < self.keys.size and int(self.keys[place]) == key else 0


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Counts over the training rows of one task.

    Attributes:
        molecules: Of the components of the answers.
        others: Of the components on the side that is not asked for: what is made once may be used another time.
        changes: Of whole changes, atoms that leave included.
        gains: Of the environments that the product has and its precursors have not.
    """

    molecules: Counts
    others: Counts
    changes: Counts
    gains: Counts

    @classmethod
    def of(cls, reactions: Iterable[tuple[str, str, str]], *, minimum: int = 2) -> "Knowledge":
        """Count over ``(precursors, product, answer)`` of training rows; changes below ``minimum`` are left out."""
        molecules: Counter[int] = Counter()
        others: Counter[int] = Counter()
        changes: Counter[int] = Counter()
        gains: Counter[int] = Counter()
        for precursors, product, answer in reactions:
            molecules.update({text_key(part) for part in answer.split(".")})
            others.update({text_key(part) for part in (product if answer == precursors else precursors).split(".")})
            change, gain = change_keys(precursors, product)
            changes[change] += 1
            gains[gain] += 1
        return cls(Counts.of(molecules), Counts.of(others), Counts.of(changes, minimum), Counts.of(gains, minimum))


def text_key(text: str) -> int:
    """Return the 32-bit hash of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def change_keys(precursors: str, product: str) -> tuple[int, int]:
    """Return the hashes of the whole change and of what the product gains.

    Raises:
        ChemistryError: A text cannot be read.
    """
    counts = ENVIRONMENTS.counts(f"{precursors}>>{product}")
    change = sorted((bit, n) for bit, n in counts.items() if bit < _HALF)
    return text_key(repr(change)), text_key(repr([pair for pair in change if pair[1] > 0]))
