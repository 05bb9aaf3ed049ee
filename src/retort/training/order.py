"""The order in which a run visits its rows: endless, and given by seed and position alone."""

import numpy as np

from retort.data.batches import BatchLimits, BatchPlan, plan_epoch
from retort.data.collate import Batch, PreparedSplit, Rows, collate
from retort.data.mixture import Mixture, counted
from retort.training.config import TrainingConfig
from retort.training.state import Position


class Order:
    """Batches of a split from any position on, shared between the processes of a run."""

    def __init__(self, split: PreparedSplit, config: TrainingConfig, *, rank: int = 0, processes: int = 1) -> None:
        self.limits = BatchLimits(
            config.tokens_per_batch, config.max_source_length, config.max_target_length, config.pad_to_multiple
        )
        self._mixture = Mixture(config.task_weights, config.source_weights, config.task_temperature)
        self._split, self._config = split, config
        self._rank, self._processes = rank, processes
        self._epoch = -1
        self._plan = BatchPlan([], 0)

    def take(self, position: Position) -> tuple[Batch, int]:
        """Return this process's next batch and the tokens of all processes' batches; the position moves on.

        Raises:
            DataError: No row fits the limits.
        """
        batches = self.advance(position)
        return self.made(position.epoch, batches)

    def advance(self, position: Position) -> list[Rows]:
        """Return the rows of all processes' next batches; the position moves on."""
        if position.batch + self._processes > len(self.plan(position.epoch).batches):
            position.epoch, position.batch = position.epoch + 1, 0
        batches = self.plan(position.epoch).batches[position.batch : position.batch + self._processes]
        position.batch += self._processes
        return batches

    def made(self, epoch: int, batches: list[Rows]) -> tuple[Batch, int]:
        """Return this process's batch among those of all processes, and the tokens of all."""
        rows, multiple = batches[self._rank % len(batches)], self.limits.multiple
        mine = collate(self._split, rows, epoch, seed=self._config.seed, multiple=multiple)
        tokens = mine.tokens if len(batches) == 1 else sum(self._tokens(epoch, rows) for rows in batches)
        return mine, tokens

    def plan(self, epoch: int) -> BatchPlan:
        """Return the batches of an epoch; the last one asked for is kept."""
        if epoch != self._epoch:
            self._plan = plan_epoch(
                self._split, self.limits, epoch=epoch, seed=self._config.seed, mixture=self._mixture
            )
            self._epoch = epoch
        return self._plan

    def visits(self, epoch: int) -> dict[str, dict[str, int]]:
        """Return how many rows of each task and of each source an epoch visits, those that are too long left out."""
        rows, split = np.concatenate(self.plan(epoch).batches), self._split
        found = {"tasks": counted(np.asarray(split.tasks)[rows], split.task_names)}
        if split.sources is not None:
            found["sources"] = counted(np.asarray(split.sources)[rows], split.source_names)
        return found

    def _tokens(self, epoch: int, rows: Rows) -> int:
        sources, targets = self._split.lengths(epoch, rows)
        return int(sources.sum() + targets.sum())
