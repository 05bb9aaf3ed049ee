"""Answers without learning: a model must beat these on its held-out rows before a task counts as trained.

Both are pure functions of the training rows. *Popularity* gives the most frequent training answers to everybody.
*Nearest neighbour* gives the answers of the most similar training reactions.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.reaction import Reaction
from retort.chem.smiles import canonicalize, parse
from retort.errors import ChemistryError, UsageError
from retort.evaluation.predictions import Candidate

BITS, RADIUS = 1024, 2


def popularity(answers: Sequence[str], top_k: int) -> tuple[Candidate, ...]:
    """Return the most frequent answers; the score is the log of the share of rows; ties fall to the smaller text.

    Args:
        answers: SMILES answers of the training rows; spellings of one answer count together.
        top_k: How many candidates to return at most.

    Raises:
        ChemistryError: An answer cannot be read.
        UsageError: There are no answers.
    """
    if not answers:
        raise UsageError("the popularity baseline has no training answers.")
    counts = Counter(canonicalize(answer) for answer in answers)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top_k]
    return tuple(Candidate(text, float(np.log(n / len(answers))), "popularity") for text, n in ranked)


def nearest_neighbour(
    train: Sequence[tuple[str, str]], queries: Sequence[str], top_k: int
) -> list[tuple[Candidate, ...]]:
    """Return for each query the distinct answers of the most similar training questions, nearest first.

    Questions are molecules or reactions (``reactants>>products``). The similarity is the Tanimoto coefficient of bit
    vectors of 2 x 1024 bits: Morgan fingerprints (radius 2, no chirality) of the precursors, then of the products
    or molecules. The score is the log of the similarity; neighbours without a common bit are no answers. Ties fall to
    the earlier training row. A query that cannot be read gets no candidates.

    Args:
        train: ``(question, answer)`` of the training rows.
        queries: The questions to answer.
        top_k: How many candidates to return at most for each.

    Raises:
        ChemistryError: A training question or answer cannot be read.
        UsageError: There are no training rows.
    """
    if not train:
        raise UsageError("the nearest-neighbour baseline has no training rows.")
    bits = np.stack([fingerprint(question) for question, _ in train])
    sizes = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    answers = [canonicalize(answer) for _, answer in train]
    return [_neighbours(bits, sizes, answers, query, top_k) for query in queries]


def fingerprint(question: str) -> NDArray[np.uint8]:
    """Packed bits ``[2 * 1024 / 8]`` of a question; raises ChemistryError where it cannot be read."""
    if ">" not in question.replace("->", ""):
        return np.concatenate([_side(()), _side((question,))])
    reaction = Reaction.parse(question)
    return np.concatenate([_side(reaction.precursors), _side(reaction.products)])


def _side(compounds: Sequence[str]) -> NDArray[np.uint8]:
    if not compounds:
        return np.zeros(BITS // 8, dtype=np.uint8)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    bits: NDArray[np.uint8] = generator.GetFingerprintAsNumPy(parse(canonicalize(".".join(compounds), stereo=False)))
    return np.packbits(bits)


def _neighbours(
    bits: NDArray[np.uint8], sizes: NDArray[np.int64], answers: Sequence[str], query: str, top_k: int
) -> tuple[Candidate, ...]:
    try:
        asked = fingerprint(query)
    except ChemistryError:
        return ()
    common = np.bitwise_count(bits & asked).sum(axis=1, dtype=np.int64)
    similarity = common / (sizes + np.bitwise_count(asked).sum(dtype=np.int64) - common)
    found: dict[str, float] = {}
    for row in np.argsort(-similarity, kind="stable"):
        if len(found) == top_k or not similarity[row]:
            break
        found.setdefault(answers[row], float(np.log(similarity[row])))
    return tuple(Candidate(text, worth, "nearest_neighbour") for text, worth in found.items())
