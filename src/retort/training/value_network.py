"""Train networks that say a number and an interval: one per fold, each corrected on the fold it did not see."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from retort.config import option

Floats = NDArray[np.float32]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class ValueTraining:
    """How networks of numbers are trained."""

    folds: int = option(5, help="networks; each learns from all train rows but those of one fold")
    hidden: int = option(256, help="units of a hidden layer")
    layers: int = option(3, help="hidden layers")
    dropout: float = option(0.1, help="share of hidden units that a step leaves out")
    epochs: int = option(150, help="passes over the rows")
    batch: int = option(128, help="rows of a step")
    rate: float = option(2e-3, help="highest learning rate; it rises and falls once")
    decay: float = option(1e-2, help="weight decay of AdamW")
    level: float = option(0.9, help="share of answers that the interval is to cover")
    seed: int = option(0, help="of folds, weights, dropout and order")


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights and biases of each layer, [folds, in, out] and [folds, out], and the fold of each row [n]."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    folds: NDArray[np.int64]


def fit_values(x: Floats, y: Floats, training: ValueTraining, say: Callable[[str], None]) -> Trained:
    """Train one network per fold.

    Args:
        x: Standardised columns [n, f].
        y: Standardised answers [n].
        training: How.
        say: Told of every fold.
    """
    folds = np.random.default_rng(training.seed).permutation(len(y)) % training.folds
    networks = []
    for fold in range(training.folds):
        rows = torch.from_numpy(np.flatnonzero(folds != fold))
        network, loss = _fit_one(torch.from_numpy(x)[rows], torch.from_numpy(y)[rows, None], training, fold)
        linear = [module for module in network if isinstance(module, nn.Linear)]
        networks.append([(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in linear])
        say(f"network {fold + 1} of {training.folds}: loss {loss:.4f}")
    stacked = [tuple(np.stack(part) for part in zip(*layer, strict=True)) for layer in zip(*networks, strict=True)]
    return Trained(tuple(w for w, _ in stacked), tuple(b for _, b in stacked), folds)


def correction(low: Values, high: Values, truth: Floats, level: float) -> float:
    """Return what both sides of intervals [n] need so that this share of truths [n] lies within; may be negative.

    The finite-sample quantile of Romano, Patterson and Candes (2019), equation 8.
    """
    missed = np.sort(np.maximum(low - truth, truth - high))
    return float(missed[min(len(missed), math.ceil((len(missed) + 1) * level)) - 1])


def _fit_one(x: torch.Tensor, y: torch.Tensor, training: ValueTraining, fold: int) -> tuple[nn.Sequential, float]:
    """Return a network trained on columns [n, f] and answers [n, 1], and the loss of its last step."""
    torch.manual_seed(training.seed * 1_000 + fold)
    network = _network(x.shape[1], training)
    steps = math.ceil(len(x) / training.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.rate, weight_decay=training.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.rate, total_steps=training.epochs * steps)
    quantiles = torch.tensor([(1 - training.level) / 2, (1 + training.level) / 2])
    loss = torch.zeros(())
    for _ in range(training.epochs):
        for rows in torch.split(torch.randperm(len(x)), training.batch):
            off = y[rows] - network(x[rows])
            pinball = torch.maximum(quantiles * off[:, 1:], (quantiles - 1) * off[:, 1:])
            loss = (off[:, 0] ** 2).mean() + pinball.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval(), float(loss.detach())


def _network(width: int, training: ValueTraining) -> nn.Sequential:
    parts: list[nn.Module] = []
    for _ in range(training.layers):
        parts += [nn.Linear(width, training.hidden), nn.ReLU(), nn.Dropout(training.dropout)]
        width = training.hidden
    return nn.Sequential(*parts, nn.Linear(width, 3))
