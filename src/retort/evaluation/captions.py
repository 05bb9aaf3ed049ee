"""How alike written descriptions are: BLEU, METEOR, ROUGE over words.

Words are runs of letters and digits in lower case; all else parts them, so ``2-methylbutane`` is two words. No stems
and no synonyms. Figures in papers about molecule captions mostly come from the pieces of a language model's tokenizer
or from characters, and are higher or lower for the same texts: compare only what was counted alike.

- ``bleu_2``, ``bleu_4``: BLEU of the corpus, orders 1 to 2 and 1 to 4; see :mod:`retort.evaluation.bleu`.
- ``meteor_exact``: METEOR with its first stage alone, equal words; see
  :func:`retort.evaluation.sequences.meteor_exact`. A perfect caption of n words has 1 - 0.5 / n**3.
- ``rouge_1``, ``rouge_2``, ``rouge_l``: F1 of common words, pairs of words, and the longest common subsequence (Lin,
  2004), mean over rows. A caption of one word has no pair: it has ``rouge_2`` 1 where it is the target, else 0.

An empty answer is worth 0 and counts in every figure. Parity, for texts in ASCII: NLTK's ``corpus_bleu`` where every
text has four words, its ``meteor_score`` without stems and synonyms, and rouge-score's without stems.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from retort.evaluation.bleu import bleu_of, overlaps
from retort.evaluation.scores import Floats, Rows, Scores, refuse_unequal
from retort.evaluation.sequences import common_subsequence, meteor_exact, overlap

MEANS = ("meteor_exact", "rouge_1", "rouge_2", "rouge_l")  # figures that are means over rows
Pair = tuple[list[str], list[str]]
"""The words of a target and of its answer."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.lower())


def rouge_n(target: Sequence[str], answer: Sequence[str], order: int) -> float:
    """Return the F1 of n-grams in common, 0 to 1."""
    found = overlap(target, answer, order)
    if not found.made and not found.wanted:
        return float(bool(target) and list(target) == list(answer))
    return 2 * found.matched / (found.made + found.wanted)


def rouge_l(target: Sequence[str], answer: Sequence[str]) -> float:
    """Return the F1 of the longest common subsequence, 0 to 1."""
    return 2 * common_subsequence(target, answer) / max(1, len(target) + len(answer))


def caption_scores(targets: Sequence[str], answers: Sequence[str | None], *, seed: int = 0) -> Scores:
    """Return the figures of this module with their intervals.

    Counts: ``unreadable`` (answers that are None or have no word), ``empty_targets`` (targets without a word, for
    which every answer is worth 0).

    Args:
        targets: The true captions.
        answers: The first answer to each row; None where it could not be read.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows.
    """
    refuse_unequal(len(targets), len(answers))
    pairs = _pairs(targets, answers)
    counts = {
        "unreadable": sum(not answer for _, answer in pairs),
        "empty_targets": sum(not target for target, _ in pairs),
    }
    return Scores.of_figures(_bleu(pairs), len(pairs), counts, seed=seed) + Scores.of_means(
        MEANS, _means(pairs), {}, seed=seed
    )


def caption_figures(targets: Sequence[str], answers: Sequence[str | None]) -> Callable[[Rows], Mapping[str, float]]:
    """Return what computes the figures of this module on any choice of rows, by their places.

    Args:
        targets: The true captions.
        answers: One for each row; None where it could not be read.
    """
    pairs = _pairs(targets, answers)
    bleu, means = _bleu(pairs), _means(pairs)
    return lambda rows: {**bleu(rows), **dict(zip(MEANS, means[rows].mean(axis=0).tolist(), strict=True))}


def _pairs(targets: Sequence[str], answers: Sequence[str | None]) -> list[Pair]:
    return [(words(target), words(answer or "")) for target, answer in zip(targets, answers, strict=True)]


def _bleu(pairs: Sequence[Pair]) -> Callable[[Rows], Mapping[str, float]]:
    sums = overlaps(*zip(*pairs, strict=True))

    def bleu(rows: Rows) -> Mapping[str, float]:
        total = sums[rows].sum(axis=0)
        return {f"bleu_{orders}": bleu_of(total, orders) for orders in (2, 4)}

    return bleu


def _means(pairs: Sequence[Pair]) -> Floats:
    """Return what every row is worth in the figures that are means [n, m]."""
    return np.array(
        [[meteor_exact(*pair), rouge_n(*pair, 1), rouge_n(*pair, 2), rouge_l(*pair)] for pair in pairs], np.float64
    )
