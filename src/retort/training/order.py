"""The order in which a run visits its rows: endless, and given by seed and position alone."""

from retort.data.collate import Batch, BatchLimits, BatchPlan, PreparedSplit, Rows, collate, plan_epoch
from retort.training.config import TrainingConfig
from retort.training.state import Position


class Order:
    """Batches of a split from any position on, shared between the processes of a run."""

    def __init__(self, split: PreparedSplit, config: TrainingConfig, *, rank: int = 0, processes: int = 1) -> None:
        self.limits = BatchLimits(config.tokens_per_batch, config.max_source_length, config.max_target_length)
        self._split, self._config = split, config
        self._rank, self._processes = rank, processes
        self._epoch = -1
        self._plan = BatchPlan([], 0)

    def take(self, position: Position) -> tuple[Batch, int]:
        """Return this process's next batch and the tokens of all processes' batches; the position moves on.

        Raises:
            DataError: No row fits the limits.
        """
        if position.batch + self._processes > len(self.plan(position.epoch).batches):
            position.epoch, position.batch = position.epoch + 1, 0
        batches = self.plan(position.epoch).batches[position.batch : position.batch + self._processes]
        position.batch += self._processes
        mine = collate(self._split, batches[self._rank % len(batches)], position.epoch)
        tokens = mine.tokens if len(batches) == 1 else sum(self._tokens(position.epoch, rows) for rows in batches)
        return mine, tokens

    def plan(self, epoch: int) -> BatchPlan:
        """Return the batches of an epoch; the last one asked for is kept."""
        if epoch != self._epoch:
            self._plan = plan_epoch(
                self._split, self.limits, epoch=epoch, seed=self._config.seed, weights=self._config.task_weights
            )
            self._epoch = epoch
        return self._plan

    def _tokens(self, epoch: int, rows: Rows) -> int:
        sources, targets = self._split.lengths(epoch)
        return int(sources[rows].sum() + targets[rows].sum())
