"""Hashed Morgan count fingerprints of molecules and reactions, and how similar two of them are.

Morgan: Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742. Counts are damped as ``log(1 + count)``, the input of the
template networks of Segler and Waller (Chem. Eur. J. 2017, 23, 5966). Rows of a batch are kept sparse, in the
compressed-row layout ``(indptr [rows + 1], indices [n], values [n])``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import parse
from retort.config import option

Kind = Literal["molecules", "reaction", "conditions"]
_ROLE = re.compile(r"(?<!-)>")  # not the arrow of a dative bond


class CompressedRows(NamedTuple):
    """A batch of sparse fingerprints; row i owns the slice ``indptr[i]:indptr[i + 1]`` of the other two."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A recipe for fingerprints; stored beside every network that reads them.

    ``molecules`` sums the counts of all components. ``reaction`` takes ``reactants>>products`` and has two halves:
    products minus reactants (signed), then products. ``conditions`` takes ``reactants>reagents>products`` and has two
    halves: reactants and reagents together, then products minus both.
    """

    kind: Kind = option("molecules", help="molecules, reaction or conditions")
    bits: int = option(2048, help="Length of the vector; for reaction its two halves together.")
    radius: int = option(2, help="Bonds around each atom.")
    chirality: bool = option(True, help="Whether stereo centres tell environments apart.")
    damped: bool = option(True, help="log(1 + count) instead of the count itself")

    def counts(self, text: str) -> Mapping[int, int]:
        """Return bit -> count of one query.

        Args:
            text: SMILES with components joined by ``.``; roles may be separated by ``>`` (all are counted
                together for ``molecules``; first and last are told apart for the other kinds).

        Raises:
            ChemistryError: A component cannot be read.
        """
        roles = _ROLE.split(text)
        if self.kind == "molecules":
            return self._sum(".".join(roles), self.bits)
        half = self.bits // 2
        start = roles[0] if self.kind == "reaction" else ".".join(roles[:-1])
        before, after = self._sum(start, half), self._sum(roles[-1], half)
        difference = {bit: n for bit in before.keys() | after.keys() if (n := after[bit] - before[bit])}
        if self.kind == "reaction":
            return difference | {half + bit: n for bit, n in after.items()}
        return {**before, **{half + bit: n for bit, n in difference.items()}}

    def rows(self, texts: Iterable[str]) -> CompressedRows:
        """Return counts of many queries, or their damped ``sign(n) * log(1 + |n|)``; raises as :meth:`counts`."""
        indptr = [0]
        indices: list[int] = []
        counts: list[int] = []
        for text in texts:
            row = self.counts(text)
            indices += row.keys()
            counts += row.values()
            indptr.append(len(indices))
        raw = np.asarray(counts, np.float32)
        values = np.sign(raw) * np.log1p(np.abs(raw)) if self.damped else raw
        return CompressedRows(np.asarray(indptr, np.int64), np.asarray(indices, np.int32), values.astype(np.float32))

    def dense(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return :meth:`rows` as a matrix ``[b, bits]``."""
        rows = self.rows(texts)
        matrix = np.zeros((len(texts), self.bits), np.float32)
        matrix[np.repeat(np.arange(len(texts)), np.diff(rows.indptr)), rows.indices] = rows.values
        return matrix

    def _sum(self, text: str, bits: int) -> Counter[int]:
        total: Counter[int] = Counter()
        for part in filter(None, text.split(".")):
            total.update(_component_counts(part, bits, self.radius, self.chirality))
        return total


@lru_cache(maxsize=65_536)
def _component_counts(smiles: str, bits: int, radius: int, chirality: bool) -> Mapping[int, int]:
    elements: dict[int, int] = (
        _generator(bits, radius, chirality).GetCountFingerprint(parse(smiles)).GetNonzeroElements()
    )
    return elements


@lru_cache(maxsize=16)
def _generator(bits: int, radius: int, chirality: bool) -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, includeChirality=chirality, fpSize=bits)


def packed_bits(smiles: str, *, bits: int = 2048, radius: int = 2) -> NDArray[np.uint64]:
    """Return which Morgan environments occur, stereo aside, as ``bits / 64`` words; for comparing many molecules.

    Raises:
        ChemistryError: The text cannot be read.
    """
    present: NDArray[np.uint8] = _generator(bits, radius, False).GetFingerprintAsNumPy(parse(smiles))
    words: NDArray[np.uint64] = np.packbits(present).view(np.uint64)
    return words


def tanimoto(left: Mapping[int, int], right: Mapping[int, int]) -> float:
    """Return the count Tanimoto similarity, sum of minima over sum of maxima, in 0..1 (two empty ones: 1).

    Signed counts, as in the difference half of a reaction, are compared by their positive and negative parts.
    """
    shared = total = 0
    for bit in left.keys() | right.keys():
        a, b = left.get(bit, 0), right.get(bit, 0)
        shared += min(abs(a), abs(b)) if a * b > 0 else 0
        total += max(abs(a), abs(b)) if a * b >= 0 else abs(a) + abs(b)
    return shared / total if total else 1.0
