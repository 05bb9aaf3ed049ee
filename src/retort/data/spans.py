"""Span denoising: texts with gaps to fill, as T5 was pretrained (Raffel et al., JMLR 2020, 21, 140, section 3.1.4).

About 15 % of a text's tokens, in spans of three on average, are taken out. In the source, each span is replaced by a
sentinel of its own; the target names every sentinel and what stood there. Unlike in T5's own code, spans may stand
anywhere (near the ends a little more rarely): there, the first token is never in a span and the last one always is. No
torch here.
"""

import random
from functools import cache

import numpy as np
from numpy.typing import NDArray

SPAN_DENOISING = "span_denoising"  # the pseudo task of rows that are stored whole and corrupted when they are read
NOISE_DENSITY = 0.15  # share of tokens in spans
MEAN_SPAN = 3.0  # tokens
Ids = NDArray[np.uint16]
Counts = NDArray[np.int64]


def corruption(lengths: Counts, sentinels: int) -> tuple[Counts, Counts]:
    """Return ``(tokens in spans, spans)`` of texts of the given lengths, in tokens without ``</s>``.

    They depend on the length alone, so that the lengths of corrupted rows are known before they are drawn. A text of
    at least one token has at least one span.
    """
    noise = np.minimum(lengths, np.maximum(1, np.rint(NOISE_DENSITY * lengths).astype(np.int64)))
    spans = np.maximum(1, np.rint(noise / MEAN_SPAN).astype(np.int64))
    return noise, np.minimum(np.minimum(spans, noise), sentinels)


def corrupted_lengths(lengths: Counts, sentinels: int) -> tuple[Counts, Counts]:
    """Return source and target lengths after corruption of texts of the given lengths; ``</s>`` is counted in all."""
    noise, spans = corruption(lengths - 1, sentinels)
    return lengths - noise + spans, noise + spans + 1


def corrupt(text: Ids, sentinels: Ids, seed: int, epoch: int, row: int) -> tuple[Ids, Ids]:
    """Return source and target of a text; all three end in ``</s>``.

    The spans are a pure function of ``(seed, epoch, row)`` and of the text's length: a row shows other gaps in every
    epoch, and a resumed run sees the same ones.
    """
    noise, spans = _amounts(len(text) - 1, len(sentinels))
    chance = random.Random(f"{seed} {epoch} {row}")  # cheaper to seed than numpy's, and the same in every version
    widths = _parts(noise, spans, chance)
    kept = len(text) - 1 - noise
    gaps = _parts(kept + 2, spans + 1, chance)  # the outer two, one larger here, may be empty
    whole, marks, place = text.tolist(), sentinels[:spans].tolist(), -1
    source, target = list[int](), list[int]()
    for gap, width, mark in zip(gaps, widths, marks, strict=False):
        end = place + gap
        source += [*whole[max(place, 0) : end], mark]
        target += [mark, *whole[end : end + width]]
        place = end + width
    source += whole[max(place, 0) :]
    return np.array(source, np.uint16), np.array([*target, whole[-1]], np.uint16)


def restore(source: Ids, target: Ids, sentinels: Ids) -> Ids:
    """Return the text from which :func:`corrupt` made source and target."""
    marks = np.flatnonzero(np.isin(target, sentinels))
    ends = [*marks[1:], len(target) - 1][: len(marks)]
    spans = {int(target[mark]): target[mark + 1 : end] for mark, end in zip(marks, ends, strict=True)}
    return np.concatenate([spans.get(int(token), source[i : i + 1]) for i, token in enumerate(source)])


@cache
def _amounts(length: int, sentinels: int) -> tuple[int, int]:
    noise, spans = corruption(np.asarray(length), sentinels)
    return int(noise), int(spans)


def _parts(total: int, parts: int, chance: random.Random) -> list[int]:
    """Return whole numbers above zero with a given sum, every such list being equally likely."""
    cuts = sorted(chance.sample(range(1, total), parts - 1)) if parts > 1 else []
    return [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)] if parts else []
