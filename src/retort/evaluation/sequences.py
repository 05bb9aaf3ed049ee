"""How alike two sequences of tokens are: n-grams in common, longest common subsequence, edits, METEOR.

A token is a character where a text is given and a word where a list of words is. Nothing is made canonical here and
nothing is smoothed: whoever calls decides what a token is and what becomes of an unreadable answer.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5


class Overlap(NamedTuple):
    """The n-grams of one order.

    Attributes:
        matched: How many of the answer's are in the target, each at most as often as there.
        made: How many the answer has.
        wanted: How many the target has.
    """

    matched: int
    made: int
    wanted: int


def overlap(target: Sequence[str], answer: Sequence[str], order: int) -> Overlap:
    """Return how many n-grams of an order target and answer share and have."""
    wanted, made = _grams(target, order), _grams(answer, order)
    return Overlap((wanted & made).total(), made.total(), wanted.total())


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many tokens must be put in, left out or exchanged to turn one into the other (Levenshtein 1966).

    Bit-parallel (Myers, J. ACM 1999, 46, 395, as simplified by Hyyrö 2003): bit i of ``rise`` and ``fall`` says
    whether the distance grows or shrinks from the i-th to the next token of ``a``.
    """
    if not a:
        return len(b)
    places, full = _places(a), (1 << len(a)) - 1
    last, distance = 1 << (len(a) - 1), len(a)
    rise, fall = full, 0
    for token in b:
        equal = places.get(token, 0)
        flat = (((equal & rise) + rise) ^ rise) | equal | fall
        up, down = fall | ~(flat | rise) & full, rise & flat
        distance += bool(up & last) - bool(down & last)
        up, down = (up << 1) | 1, down << 1
        rise, fall = (down | ~(flat | up)) & full, up & flat & full
    return distance


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the longest common subsequence; bit-parallel (Hyyrö, AWOCA 2004)."""
    places, full = _places(a), (1 << len(a)) - 1
    open_places = full
    for token in b:
        found = open_places & places.get(token, 0)
        open_places = ((open_places + found) | (open_places - found)) & full
    return len(a) - open_places.bit_count()


def meteor_exact(target: Sequence[str], answer: Sequence[str]) -> float:
    """Return METEOR with its first stage alone, equal tokens (Lavie and Agarwal 2007; NLTK's parameters), 0 to 1.

    Matches are made from the end, each with the last free equal token of the target, as NLTK does. The stages that
    pair stems and synonyms are left out, hence the name. A perfect answer of n tokens is worth 1 - 0.5 / n**3, so a
    single right word is worth 0.5.
    """
    matches = _alignment(target, answer)
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(answer), len(matches) / len(target)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    breaks = sum((b[0] - a[0], b[1] - a[1]) != (1, 1) for a, b in itertools.pairwise(matches))
    return float((1 - GAMMA * ((breaks + 1) / len(matches)) ** BETA) * mean)


def _grams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[i:] for i in range(order)), strict=False))


def _places(tokens: Sequence[str]) -> dict[str, int]:
    """Return token -> bits, one for each of its places."""
    places: dict[str, int] = defaultdict(int)
    for place, token in enumerate(tokens):
        places[token] |= 1 << place
    return places


def _alignment(target: Sequence[str], answer: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (place in answer, place in target) of equal tokens, by place in the answer."""
    free: dict[str, list[int]] = defaultdict(list)
    for place, token in enumerate(target):
        free[token].append(place)
    backwards = range(len(answer) - 1, -1, -1)
    return [(place, free[answer[place]].pop()) for place in backwards if free[answer[place]]][::-1]
