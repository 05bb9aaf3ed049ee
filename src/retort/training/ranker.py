"""Fit a ranker: cross-entropy over its classes, with the rare ones sampled.

Most classes of a template vocabulary occur once. Every step scores the frequent classes, the labels of its batch and a
random share of the rare rest; the logits of that share are raised by the log of how many classes each stands for, which
keeps the partition function unbiased (Jean et al., ACL 2015, with an exact head).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from retort.models.ranker import SparseRows
from retort.models.ranker_network import RankerNetwork, Weights
from retort.training.ranker_settings import RankerTraining


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after one pass: number from 1, mean loss in nats, seconds since the start."""

    number: int
    loss: float
    seconds: float


def fit(
    x: SparseRows,
    labels: NDArray[np.int64],
    features: SparseRows,
    training: RankerTraining,
    watch: Callable[[Epoch, RankerNetwork], None],
) -> Weights:
    """Train a network and return its weights.

    Args:
        x: One fingerprint per row.
        labels: [rows], class of every row; classes are numbered by falling frequency.
        features: One row of feature counts per class.
        training: Settings.
        watch: Called after every epoch; the network is in evaluation mode then.
    """
    torch.manual_seed(training.seed)
    rng = np.random.default_rng(training.seed)
    network = RankerNetwork(x.width, training.hidden, features, training.dropout)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
        fused=True,  # one pass over memory, an eighth of the time
    )
    steps = training.epochs * -(-len(x) // training.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    start = time.perf_counter()
    for number in range(1, training.epochs + 1):
        network.train()
        total = 0.0
        for rows in _batches(len(x), training.batch_size, rng):
            loss = step_loss(network, x.take(rows), labels[rows], training, rng)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        network.eval()
        watch(Epoch(number, total / len(x), time.perf_counter() - start), network)
    return network.export()


def rate(step: int, steps: int) -> float:
    """Return the share of the peak learning rate: up over the first 5 % of the steps, then down to 0 at the end."""
    warm = max(1, steps // 20)
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def step_loss(
    network: RankerNetwork,
    x: SparseRows,
    labels: NDArray[np.int64],
    training: RankerTraining,
    rng: np.random.Generator,
) -> Tensor:
    """Return the sampled cross-entropy of one batch, in nats."""
    classes, correction = draw_classes(labels, len(network.features), training, rng)
    logits = network(x, torch.from_numpy(classes)) + torch.from_numpy(correction)
    return functional.cross_entropy(logits, torch.from_numpy(np.searchsorted(classes, labels)))


def draw_classes(
    labels: NDArray[np.int64], count: int, training: RankerTraining, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Choose the classes of one step.

    Returns:
        classes: [c], ascending, all labels among them.
        correction: [c], log of the number of classes that each stands for; 0 for the head and the labels.
    """
    certain = np.union1d(np.arange(min(training.head, count)), labels)
    rest = np.setdiff1d(np.arange(count), certain, assume_unique=True)
    drawn = rng.choice(rest, min(training.tail, len(rest)), replace=False)
    classes = np.concatenate([certain, drawn])
    raised = np.zeros(len(classes), np.float32)
    raised[len(certain) :] = np.log(max(1, len(rest)) / max(1, len(drawn)))
    order = np.argsort(classes)
    return classes[order], raised[order]


def _batches(rows: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = rng.permutation(rows)
    for start in range(0, rows, size):
        yield order[start : start + size]
