"""Traces for a page: true answers read back under every type, with the atoms that a swap of the type touches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.annotator import type_tokens
from retort.models.device import pick_device
from retort.models.tracing import trace
from retort.prompting.vocabulary import BYTES, Vocabulary
from retort.recipes.row_types import TypesOfRows

_STREAM = 0x7ACE


@dataclass(frozen=True, eq=False)
class Traced:
    """One true answer under the type that was read and under the next likeliest.

    Attributes:
        query, answer: SMILES.
        told, other: The two types.
        totals: Log-probability of the answer under each type, float64 [k].
        atoms: What each atom of the answer loses in nats when the type is swapped, float64 [atoms].
        attention: Mean share of the cross-attention that the told type's token gets, 0..1.
    """

    query: str
    answer: str
    told: int
    other: int
    totals: NDArray[np.float64]
    atoms: NDArray[np.float64]
    attention: float


def traces(arm: Path, count: int, seed: int) -> list[Traced]:
    """Trace some held-out answers with a trained arm.

    Args:
        arm: Its folder ``seed-<n>``.
        count: How many.
        seed: Of their choice.

    Raises:
        ModelError: The weights or the file of types are damaged.
    """
    facts = json.loads((arm.parent / "arm.json").read_text("utf-8"))
    if not isinstance(facts["row_types"], str):
        raise ModelError(f"{str(arm.parent)!r} is an arm of several tasks.", "Trace an arm of one task.")
    types = TypesOfRows.load(Path(facts["row_types"]))
    stored = checkpoint.load(arm / "final")
    network, words = stored.network.to(pick_device("auto")), stored.vocabulary
    part = types.held_out(facts["part"])
    places = np.random.default_rng([seed, _STREAM]).permutation(len(part.ids))[:count]
    tokens = type_tokens(words, types.train.types)
    found = []
    for place in places.tolist():
        source, target = (list(map(int, side)) for side in part.pairs[place])
        sources = [[source[0], token, *source[1:]] for token in tokens]
        read = part.types.read[place]
        told, other = np.argsort(-read, kind="stable")[:2].tolist()
        seen = trace(network, sources, 1, target)
        query, answer = words.decode(source[1:]), words.decode(target)
        atoms = by_atom(words, target, seen.swapped(told, other))
        found.append(Traced(query, answer, told, other, seen.totals, atoms, float(seen.attention[told].mean())))
    return found


def by_atom(words: Vocabulary, answer: Sequence[int], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of each atom's token [atoms], in the order of the text; a bracket atom in bytes is one atom.

    Bonds, branches, ring closures and ``</s>`` are no atoms and are left out.
    """
    found: list[float] = []
    spelled = False
    for token, value in zip((words.tokens[i] for i in answer), values.tolist(), strict=True):
        if token in _BYTES:
            if spelled:
                found[-1] += value
            else:
                found.append(value)
            spelled = token != _CLOSING
        elif token.startswith("[") or token[0].isalpha():
            found.append(value)
    return np.array(found)


_BYTES = frozenset(BYTES)
_CLOSING = BYTES[ord("]")]
