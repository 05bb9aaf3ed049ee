"""Loss and token accuracy on fixed validation rows, per task."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from retort.data.batches import BatchLimits, fixed_subset, sorted_batches
from retort.data.collate import PreparedSplit, collate
from retort.models.device import Precision, autocast
from retort.models.seq2seq import Seq2SeqModel


@dataclass(frozen=True, slots=True)
class TaskReport:
    """Teacher-forced quality on the validation rows of one task.

    Attributes:
        loss: Mean cross-entropy per target token, in nats.
        token_accuracy: Share of target tokens that are the most likely ones, 0..1.
        row_accuracy: Share of rows all of whose target tokens are, 0..1.
        rows: Rows evaluated.
    """

    loss: float
    token_accuracy: float
    row_accuracy: float
    rows: int


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Quality per task, and a mean of their losses.

    Attributes:
        loss: Mean of the losses of the tasks that a run trains (of all, where none of them has rows): what models are
            compared by.
        too_long: Rows left out because they exceed the length limits.
    """

    loss: float
    tasks: dict[str, TaskReport]
    too_long: int


@torch.no_grad()
def evaluate(
    model: Seq2SeqModel,
    split: PreparedSplit,
    *,
    rows: int,
    limits: BatchLimits,
    precision: Precision = "fp32",
    trained: Collection[str] = (),
    share: slice = slice(None),
    total: Callable[[Tensor], Tensor] = lambda sums: sums,
) -> ValidationReport:
    """Evaluate on at most ``rows`` fixed rows of every task; the model keeps its mode.

    ``trained`` names the tasks that count for the report's loss; all where it is empty.
    Several processes may each evaluate a ``share`` of the batches; ``total`` then adds up the sums of all of them.

    Returns:
        The report; its loss is infinite where no row could be evaluated.
    """
    plan = sorted_batches(split, fixed_subset(split, rows), limits)
    device = next(model.parameters()).device
    sums = torch.zeros(len(split.task_names), 5, dtype=torch.float64)  # loss, correct tokens, tokens, right rows, rows
    was_training = model.training
    model.eval()
    for indices in plan.batches[share]:
        batch = collate(split, indices)
        labels = batch.labels.to(device)
        with autocast(device, precision):
            losses, correct = model.token_losses(batch.source.to(device), batch.source_mask.to(device), labels)
        counts = (labels >= 0).sum(1)
        right, ones = correct.sum(1), torch.ones_like(counts)
        columns = torch.stack([losses.sum(1), right, counts, right == counts, ones], 1)
        sums.index_add_(0, torch.from_numpy(split.tasks[indices].astype("int64")), columns.double().cpu())
    model.train(was_training)
    sums = total(sums)
    tasks = {
        name: TaskReport(float(s[0] / s[2]), float(s[1] / s[2]), float(s[3] / s[4]), int(s[4]))
        for name, s in zip(split.task_names, sums, strict=True)
        if s[4]
    }
    counted = [task.loss for name, task in tasks.items() if name in trained] or [task.loss for task in tasks.values()]
    return ValidationReport(sum(counted) / len(counted) if counted else float("inf"), tasks, plan.too_long)
