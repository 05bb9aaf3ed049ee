"""BLEU of a corpus (Papineni et al., ACL 2002), from sums over rows, so that a resample needs no second counting.

Orders weigh the same and nothing is smoothed: an order without a match makes the figure 0. An order that no target is
long enough for is left out, so that right answers to short targets are perfect; NLTK counts 1 impossible n-gram for
each short answer instead, which :func:`retort.evaluation.upstream.upstream_bleu` does for comparison. Where every text
is long enough both are the same.
"""

import math
from collections.abc import Sequence

import numpy as np

from retort.evaluation.scores import Floats, refuse_unequal
from retort.evaluation.sequences import overlap

ORDERS = (1, 2, 3, 4)


def corpus_bleu(targets: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], orders: int = 4) -> float:
    """Return BLEU of token sequences up to an order, 0 to 1.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows.
    """
    refuse_unequal(len(targets), len(answers))
    return bleu_of(overlaps(targets, answers).sum(axis=0), orders)


def overlaps(targets: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> Floats:
    """Return what BLEU sums up, [rows, 4, 3]: matched, made and wanted n-grams of orders 1 to 4."""
    rows = [[overlap(*pair, order) for order in ORDERS] for pair in zip(targets, answers, strict=True)]
    return np.array(rows, np.float64)


def bleu_of(total: Floats, orders: int) -> float:
    """Return BLEU of sums over rows [4, 3] up to an order."""
    matched, made, wanted = total[:orders].T.tolist()
    reached = [order for order in range(orders) if wanted[order]]
    if not reached or not all(matched[order] for order in reached):
        return 0.0
    precision = math.fsum(math.log(matched[order] / made[order]) for order in reached) / len(reached)
    return math.exp(precision + min(0.0, 1 - wanted[0] / made[0]))
