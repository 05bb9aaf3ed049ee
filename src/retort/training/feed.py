"""Batches of a run, made when they are asked for or ahead of time by processes of their own."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from retort.data.collate import PAD_ID, Batch
from retort.training.order import Order
from retort.training.state import Position

_AHEAD = 8  # batches that each worker keeps ready
Ids = NDArray[np.int16]
Made = tuple[Ids, Ids, int, int, Position]


class Feed:
    """The batches of an order from a position on; the same ones for any number of workers.

    Args:
        order: What comes when.
        start: Where the run stands.
        workers: Processes that make batches ahead; 0 makes each one when it is asked for.
    """

    def __init__(self, order: Order, start: Position, workers: int = 0) -> None:
        self._order = order
        self._made = _ahead(_Stream(order, replace(start)), workers) if workers else None

    def take(self, position: Position) -> tuple[Batch, int]:
        """Return the next batch and the tokens of all processes' batches; the position moves on.

        Raises:
            DataError: No row fits the limits.
        """
        if self._made is None:
            return self._order.take(position)
        source, labels, own, tokens, reached = next(self._made)
        position.epoch, position.batch = reached.epoch, reached.batch
        ids = torch.from_numpy(source).long()
        return Batch(ids, (ids != PAD_ID).long(), torch.from_numpy(labels).long(), own), tokens

    def close(self) -> None:
        """Let the workers go."""
        self._made = None


def _ahead(stream: "_Stream", workers: int) -> Iterator[Made]:
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        collate_fn=_as_it_is,
        worker_init_fn=_spared,
    )
    return iter(loader)


def _spared(_: int) -> None:
    """Leave signals that reach the whole group of processes to the loop, which still has a step and a save to do."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _as_it_is(made: Any) -> Any:
    """Keep arrays: they travel through pipes, and small machines have little shared memory for tensors."""
    return made


class _Stream(IterableDataset[Made]):
    """Every ``n``-th batch, where there are ``n`` workers: the loader takes them in turn."""

    def __init__(self, order: Order, start: Position) -> None:
        self._order, self._start = order, start

    def __iter__(self) -> Iterator[Made]:
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        position, turn = replace(self._start), 0
        while True:
            batches = self._order.advance(position)
            if turn % workers == mine:
                batch, tokens = self._order.made(position.epoch, batches)
                source, labels = batch.source.numpy().astype(np.int16), batch.labels.numpy().astype(np.int16)
                yield source, labels, batch.tokens, tokens, replace(position)
            turn += 1
