"""What answers without learning rest on: how popular an answer is, and which training questions are like a query.

Questions in SMILES are alike by their Morgan environments, questions in words by their groups of three characters.

A model must beat these on its held-out rows before a task counts as trained. Everything is a pure function of the
training rows; the proposers ``popularity``, ``nearest_reaction`` (which also serves molecules and words) and
``nearest_template`` turn it into candidates.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import canonicalize, parse
from retort.prompting.vocabulary import is_text, words_of

BITS, RADIUS = 1024, 2
GRAM = 3  # characters of words that are compared together
BYTES = 2 * BITS // 8
_FIRST, _GROWTH = 64, 8  # neighbours that are put into order at first, and how many times more when these ran out
_MARKED = re.compile(r"[@/\\:]|\[\d")  # stereo centres, double-bond geometry, isotopes, maps
_ROLE = re.compile(r"(?<!-)>")


def popular(answers: Iterable[str]) -> list[tuple[str, int]]:
    """Return the distinct answers with their number of rows, most frequent first; ties fall to the smaller text."""
    return sorted(Counter(answers).items(), key=lambda item: (-item[1], item[0]))


def fingerprint(question: str) -> NDArray[np.uint8]:
    """Return the packed bits [256] of a question.

    Args:
        question: A reaction ``reactants>reagents>products`` fills the first of two halves of 1,024 Morgan bits (radius
            2, no stereo) with its precursors and the second with its products; molecules, also ``reactants>reagents``,
            fill the second one together. Words between the marks of text fill all 2,048 bits with hashes of their
            groups of three characters, in lower case.

    Raises:
        ChemistryError: It cannot be read.
    """
    if is_text(question):
        return _characters(words_of(question))
    roles = _ROLE.split(question)
    if len(roles) != 3:
        molecules = ".".join(filter(None, roles))
        return np.concatenate([np.zeros(BYTES // 2, np.uint8), _side(molecules)])
    precursors = ".".join(filter(None, roles[:2]))
    sides = [_side(side) if side else np.zeros(BYTES // 2, np.uint8) for side in (precursors, roles[2])]
    return np.concatenate(sides)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Training questions, searched by the Tanimoto coefficient of their bits.

    Attributes:
        words: uint64 [32, rows], the bits of all questions, word by word.
        sizes: int64 [rows], how many bits each question has.
    """

    words: NDArray[np.uint64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, bits: NDArray[np.uint8]) -> Self:
        """Take packed bits [rows, 256], one row per question as :func:`fingerprint` gives it."""
        words = np.ascontiguousarray(np.ascontiguousarray(bits).view(np.uint64).T)
        return cls(words, np.bitwise_count(words).sum(axis=0, dtype=np.int64))

    def nearest(self, question: str) -> Iterator[tuple[int, float]]:
        """Yield ``(row, similarity)`` by falling similarity, equal ones by row; rows without a common bit never.

        Raises:
            ChemistryError: The question cannot be read.
        """
        similarity = self._similarities(fingerprint(question).view(np.uint64))
        done, wanted = 0, _FIRST
        while done < len(similarity):
            edge = -np.partition(-similarity, min(wanted, len(similarity)) - 1)[min(wanted, len(similarity)) - 1]
            near = np.flatnonzero(similarity >= edge)
            ordered = near[np.argsort(-similarity[near], kind="stable")]
            for row in ordered[done:].tolist():
                if not similarity[row]:
                    return
                yield row, float(similarity[row])
            done, wanted = len(ordered), wanted * _GROWTH

    def _similarities(self, asked: NDArray[np.uint64]) -> NDArray[np.float64]:
        common = np.zeros(len(self.sizes), np.int64)
        for word in np.flatnonzero(asked).tolist():
            common += np.bitwise_count(self.words[word] & asked[word])
        either = self.sizes + int(np.bitwise_count(asked).sum()) - common
        found: NDArray[np.float64] = common / np.maximum(either, 1)
        return found


def _characters(words: str) -> NDArray[np.uint8]:
    padded = f" {words.casefold()} "
    grams = {padded[i : i + GRAM] for i in range(len(padded) - GRAM + 1)}
    bits = np.zeros(8 * BYTES, np.uint8)
    bits[[zlib.crc32(gram.encode()) % len(bits) for gram in grams]] = 1
    return np.packbits(bits)


def _side(molecules: str) -> NDArray[np.uint8]:
    flat = canonicalize(molecules, stereo=False) if _MARKED.search(molecules) else molecules
    bits: NDArray[np.uint8] = _generator().GetFingerprintAsNumPy(parse(flat))
    return np.packbits(bits)


@lru_cache(maxsize=1)
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
