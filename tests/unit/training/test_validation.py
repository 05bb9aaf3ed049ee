"""Validation losses are means over target tokens, per task."""

import numpy as np
import pytest
import torch

from retort.data.batches import BatchLimits
from retort.data.collate import PreparedSplit, collate
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.seq2seq import Seq2SeqModel
from retort.training.config import TrainingConfig
from retort.training.order import Order
from retort.training.state import Position
from retort.training.validation import evaluate

CARD = Seq2SeqConfig(vocabulary_size=20, d_model=16, d_kv=8, d_ff=32, layers=1, decoder_layers=1, heads=2, dropout=0.5)
LIMITS = BatchLimits(tokens=60, source=12, target=9)


@pytest.fixture
def split() -> PreparedSplit:
    random = np.random.default_rng(0)
    sequences = [np.append(random.integers(2, 20, n), 1) for _ in range(30) for n in random.integers(1, 9, 2)]
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(np.int64)
    tasks = np.array([0, 2, 2] * 10, np.uint8)
    return PreparedSplit(np.concatenate(sequences).astype(np.uint16), offsets, tasks, ("a", "b", "c"), 1)


def test_the_report_is_the_mean_over_rows_taken_one_by_one(split: PreparedSplit) -> None:
    torch.manual_seed(0)
    model = Seq2SeqModel(BACKBONES.get("t5").build(CARD)).train()
    report = evaluate(model, split, rows=100, limits=LIMITS)
    assert model.training  # it goes on where it was, and dropout was off meanwhile
    model.eval()
    assert set(report.tasks) == {"a", "c"}
    for name, task in (("a", 0), ("c", 2)):
        total, right, count, rows_right = 0.0, 0, 0, 0
        rows = np.flatnonzero(split.tasks == task)
        for row in rows:
            batch = collate(split, [int(row)])
            losses, correct = model.token_losses(batch.source, batch.source_mask, batch.labels)
            total += float(losses.sum())
            right += int(correct.sum())
            count += losses.numel()
            rows_right += bool(correct.all())
        found = report.tasks[name]
        assert found.loss == pytest.approx(total / count, rel=1e-5)
        assert found.token_accuracy == pytest.approx(right / count)
        assert (found.row_accuracy, found.rows) == (rows_right / len(rows), len(rows))
    assert report.loss == pytest.approx((report.tasks["a"].loss + report.tasks["c"].loss) / 2)


def test_rows_left_out_are_counted(split: PreparedSplit) -> None:
    model = Seq2SeqModel(BACKBONES.get("t5").build(CARD))
    sources, targets = split.lengths()
    limits = BatchLimits(tokens=60, source=5, target=5)
    report = evaluate(model, split, rows=100, limits=limits)
    assert report.too_long == int(((sources > 5) | (targets > 5)).sum()) > 0
    assert sum(task.rows for task in report.tasks.values()) == 30 - report.too_long


def test_the_order_goes_on_from_a_position(split: PreparedSplit) -> None:
    config = TrainingConfig(total_tokens=1, tokens_per_batch=60, max_source_length=12, max_target_length=9)
    position, order = Position(), Order(split, config)
    epochs = 3 * len(order.plan(0).batches) + 2
    visited = []
    for i in range(epochs):
        batch, tokens = order.take(position)
        assert tokens == batch.tokens
        visited.append(batch.source)
        if i == epochs // 2:
            kept = Position(epoch=position.epoch, batch=position.batch)
    fresh = Order(split, config)
    rest = [fresh.take(kept)[0].source for _ in range(epochs // 2 + 1, epochs)]
    assert all(torch.equal(a, b) for a, b in zip(visited[epochs // 2 + 1 :], rest, strict=True))
    assert (kept.epoch, kept.batch) == (position.epoch, position.batch)


def test_processes_share_the_batches(split: PreparedSplit) -> None:
    config = TrainingConfig(total_tokens=1, tokens_per_batch=60, max_source_length=12, max_target_length=9)
    alone, one, two = (
        Order(split, config),
        Order(split, config, rank=0, processes=2),
        Order(split, config, rank=1, processes=2),
    )
    pa, p1, p2 = Position(), Position(), Position()
    for _ in range(len(alone.plan(0).batches) // 2):
        first, second = alone.take(pa)[0], alone.take(pa)[0]
        (mine, total), (theirs, total_too) = one.take(p1), two.take(p2)
        assert torch.equal(first.source, mine.source)
        assert torch.equal(second.source, theirs.source)
        assert total == total_too == first.tokens + second.tokens


def test_only_trained_tasks_count_for_the_loss(split: PreparedSplit) -> None:
    model, limits = Seq2SeqModel(BACKBONES.get("t5").build(CARD)), BatchLimits(tokens=60, source=12, target=9)
    whole = evaluate(model, split, rows=9, limits=limits)
    one = evaluate(model, split, rows=9, limits=limits, trained=["a"])
    assert one.tasks == whole.tasks
    assert one.loss == whole.tasks["a"].loss != whole.loss
    assert evaluate(model, split, rows=9, limits=limits, trained=["has no rows"]).loss == whole.loss


def test_processes_evaluate_shares_of_the_rows(split: PreparedSplit) -> None:
    model, limits = Seq2SeqModel(BACKBONES.get("t5").build(CARD)), BatchLimits(tokens=60, source=12, target=9)
    whole = evaluate(model, split, rows=9, limits=limits)
    parts: list[torch.Tensor] = []

    def keep(sums: torch.Tensor) -> torch.Tensor:
        parts.append(sums)
        return torch.stack(parts).sum(0)

    for rank in range(3):
        report = evaluate(model, split, rows=9, limits=limits, share=slice(rank, None, 3), total=keep)
    assert report.loss == pytest.approx(whole.loss)
    assert {name: task.rows for name, task in report.tasks.items()} == {n: t.rows for n, t in whole.tasks.items()}
    assert all(part.sum() < torch.stack(parts).sum() for part in parts)
