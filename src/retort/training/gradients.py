"""Do tasks pull a network the same way? Cosines between their expected gradients, free of the noise of small batches.

The gradient of a batch is its task's expected gradient plus noise, and noise drags the plain cosine of two batches
towards 0. Products of *different* batches hold no noise on average, so that

    cosine(a, b) = mean(g_a . g_b) / sqrt(mean(g_a . g'_a) mean(g_b . g'_b))

estimates the cosine of the expected gradients, and may leave -1..1 where batches are few. Sener and Koltun (2018) and
Yu et al. (2020) call tasks conflicting where it is negative.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from retort.data.collate import PreparedSplit, Rows, collate
from retort.errors import DataError
from retort.models.seq2seq import Seq2SeqModel

Gram = NDArray[np.float64]
ALL = "all"
_STREAM = 0x6AD5


@dataclass(frozen=True)
class Cosine:
    """How alike two expected gradients are.

    Attributes:
        value: Their cosine; nan where the gradients of a task's batches share nothing but noise.
        interval: 95 %, from leaving out one batch at a time (jackknife); nan where one of these has no value.
        plain: Mean cosine of two single batches, noise and all.
    """

    value: float
    interval: tuple[float, float]
    plain: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; None in place of nan."""
        interval = None if math.isnan(sum(self.interval)) else list(self.interval)
        return {"value": None if math.isnan(self.value) else self.value, "interval": interval, "plain": self.plain}


def batch_gradients(model: Seq2SeqModel, split: PreparedSplit, batches: Sequence[Rows]) -> dict[str, Gram]:
    """Return the inner products of the gradients of all batches, float64 [batches, batches], by part of the network.

    Parts are ``encoder``, ``decoder``, ``embedding`` (what both share) and ``all``. Weights are not changed.
    """
    parts = {name: part_of(name) for name, p in model.network.named_parameters() if p.requires_grad}
    rows: dict[str, list[torch.Tensor]] = {part: [] for part in sorted(set(parts.values()))}
    was_training = model.training
    model.eval()  # dropout would be noise
    for indices in batches:
        model.zero_grad(set_to_none=True)
        batch = collate(split, indices)
        loss, _ = model(batch.source, batch.source_mask, batch.labels)
        loss.backward()
        found = {name: p.grad for name, p in model.network.named_parameters() if p.requires_grad}
        for part, own in rows.items():
            flat = [g.flatten() for name, g in found.items() if parts[name] == part and g is not None]
            own.append(torch.cat(flat).to(torch.bfloat16))
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    grams = {part: _products(own) for part, own in rows.items()}
    return {**grams, ALL: np.sum(list(grams.values()), axis=0)}


def drawn_batches(
    split: PreparedSplit, task: str, *, batches: int, rows: int, longest: int, sources: Sequence[str], seed: int
) -> list[Rows]:
    """Draw batches of train rows of one task, no row twice.

    Raises:
        DataError: There are too few rows.
    """
    fits = np.sum(split.lengths(), axis=0) <= longest
    own = fits & (split.tasks == split.task_names.index(task))
    if sources:
        if split.sources is None:
            raise DataError("the prepared folder does not keep the sources of its rows.", "Name none.")
        own &= np.isin(split.sources, [split.source_names.index(name) for name in sources])
    found = np.flatnonzero(own)
    if len(found) < batches * rows:
        raise DataError(f"{task} has {len(found):,} rows for {batches} batches of {rows}.", "Ask for fewer.")
    chosen = np.random.default_rng([seed, _STREAM]).permutation(found)[: batches * rows]
    return list(chosen.reshape(batches, rows).astype(np.int64))


def cosine(gram: Gram, first: Sequence[int], second: Sequence[int]) -> Cosine:
    """Compare the expected gradients of two sets of batches.

    Args:
        gram: Inner products [batches, batches].
        first: Batches of one task, at least three.
        second: Batches of the other one, at least three, none of which is among the first.

    Raises:
        DataError: A task has too few batches.
    """
    if min(len(first), len(second)) < 3:
        raise DataError("a cosine of gradients needs three batches of either task.")
    left_out = [_cosine(gram, [i for i in first if i != x], [i for i in second if i != x]) for x in (*first, *second)]
    value, count = _cosine(gram, first, second), len(left_out)
    error = math.sqrt((count - 1) / count * float(np.square(np.array(left_out) - np.mean(left_out)).sum()))
    norms = np.sqrt(np.diag(gram))
    plain = gram[np.ix_(first, second)] / np.outer(norms[list(first)], norms[list(second)])
    return Cosine(value, (value - 1.96 * error, value + 1.96 * error), float(plain.mean()))


def cosines(grams: Mapping[str, Gram], tasks: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Cosine]]:
    """Return part -> ``first, second`` -> cosine, of every pair of tasks."""
    names = list(tasks)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return {part: {f"{a}, {b}": cosine(gram, tasks[a], tasks[b]) for a, b in pairs} for part, gram in grams.items()}


def part_of(parameter: str) -> str:
    """Return which part of a network a parameter belongs to."""
    return next((part for part in ("encoder", "decoder") if parameter.startswith(f"{part}.")), "embedding")


def _products(rows: Sequence[torch.Tensor]) -> Gram:
    """Return inner products; one row at a time is widened, so that memory holds them all in bf16 alone."""
    found = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        wide = row.float()
        for j in range(i + 1):
            found[i, j] = found[j, i] = float(wide @ rows[j].float())
    return found


def _cosine(gram: Gram, first: Sequence[int], second: Sequence[int]) -> float:
    lengths = [_apart(gram[np.ix_(own, own)]) for own in (first, second)]
    if min(lengths) <= 0:
        return math.nan  # nothing but noise
    return float(gram[np.ix_(first, second)].mean()) / math.sqrt(lengths[0] * lengths[1])


def _apart(square: Gram) -> float:
    """Return the mean of what is off the diagonal."""
    count = len(square)
    return float((square.sum() - np.trace(square)) / (count * (count - 1)))
