"""How far a held-out reaction is from everything that was trained on, by the ring systems of its molecules.

Molecules that stand together have the scaffolds of all of them, as in PRESTO (arXiv 2406.13193), whose test rows are
those without a near relative among the train rows. Relatives are measured by the Tanimoto similarity of Morgan
fingerprints without chirality. Unlike there, train rows are those of *every* task, and both of their sides count, for a
model that learns several tasks has seen them; and what has no ring is told apart, never called similar. A ring that
cannot be read by itself (a cyclopentadienyl anion that was cut off its metal) adds nothing.

Legend: ``n`` queries, ``m`` references, ``w`` words of 64 bits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retort.chem.fingerprints import packed_bits
from retort.chem.scaffold import murcko_scaffold
from retort.chem.smiles import canonical_or_none
from retort.errors import DataError

Words = NDArray[np.uint64]
Molecules: TypeAlias = tuple[str, ...]
_BLOCK = 256  # queries compared at once


@dataclass(frozen=True, slots=True)
class Novelty:
    """How near the train scaffolds come to some held-out texts.

    Attributes:
        similarity: Highest Tanimoto similarity of each text's scaffold to a train scaffold, float32 [n]; 0 where the
            text has no ring.
        acyclic: Whether the text has no ring, bool [n].
    """

    similarity: NDArray[np.float32]
    acyclic: NDArray[np.bool_]

    def below(self, threshold: float, *, acyclic: bool) -> NDArray[np.int64]:
        """Return the rows that are less similar than a threshold, rising; those without a ring only if asked for."""
        far = (self.similarity < threshold) & ~self.acyclic
        return np.flatnonzero(far | (self.acyclic & acyclic)).astype(np.int64)


def novelty(
    queries: Sequence[Molecules], references: Iterable[Molecules], *, bits: int = 1024, radius: int = 2
) -> Novelty:
    """Compare the scaffolds of held-out texts with those of train texts.

    Args:
        queries: Molecules of each held-out input, canonical SMILES.
        references: Molecules that stood together in training; repeated ones cost nothing.
        bits: Length of the fingerprints, a multiple of 64.
        radius: Bonds around each atom.

    Raises:
        DataError: No train row has a ring.
        ChemistryError: A molecule cannot be read.
    """
    rings = cache(lambda molecule: _rings(molecule, bits, radius))

    def packed(molecules: Molecules) -> bytes:
        found = [ring for molecule in molecules if (ring := rings(molecule)) is not None]
        return np.bitwise_or.reduce(found).tobytes() if found else b""

    known = set(map(packed, references)) - {b""}
    if not known:
        raise DataError("no train row has a ring, so no scaffold can be compared with.")
    asked = [packed(molecules) for molecules in queries]
    distinct = sorted(set(asked) - {b""})
    highest = highest_similarity(_words(distinct, bits), _words(sorted(known), bits))
    nearest = dict(zip(distinct, highest.tolist(), strict=True))
    return Novelty(
        np.array([nearest.get(scaffold, 0.0) for scaffold in asked], np.float32),
        np.array([not scaffold for scaffold in asked], np.bool_),
    )


def highest_similarity(queries: Words, references: Words) -> NDArray[np.float32]:
    """Return the highest Tanimoto similarity of each packed fingerprint [n, w] to any reference [m, w], float32 [n]."""
    found = np.zeros(len(queries), np.float32)
    sizes = np.bitwise_count(references).sum(axis=1, dtype=np.int32)
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        own = np.bitwise_count(block).sum(axis=1, dtype=np.int32)
        shared = np.zeros((len(block), len(references)), np.int32)
        for word in range(block.shape[1]):
            shared += np.bitwise_count(block[:, word, None] & references[None, :, word])
        found[start : start + _BLOCK] = (shared / (own[:, None] + sizes - shared)).max(axis=1)
    return found


def _rings(molecule: str, bits: int, radius: int) -> Words | None:
    """Return the fingerprint [w] of a molecule's scaffold; None where it has no ring, or none that can be read."""
    scaffold = murcko_scaffold(molecule)
    return packed_bits(scaffold, bits=bits, radius=radius) if canonical_or_none(scaffold) else None


def _words(packed: Sequence[bytes], bits: int) -> Words:
    return np.frombuffer(b"".join(packed), np.uint64).reshape(-1, bits // 64)
