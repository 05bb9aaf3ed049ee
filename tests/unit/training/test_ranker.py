"""The fit loop: the same seed gives the same weights, and sampling rare classes does not bias the loss."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from retort.models.ranker import SparseRows
from retort.models.ranker_network import RankerNetwork, Weights
from retort.training.ranker import Epoch, draw_classes, fit, rate
from retort.training.ranker_settings import RankerTraining

TINY = RankerTraining(hidden=8, dropout=0.1, epochs=3, batch_size=4, head=2, tail=2)


def one_hot(columns: list[int], width: int) -> SparseRows:
    count = len(columns)
    return SparseRows(np.arange(count + 1), np.array(columns, np.int32), np.ones(count, np.float32), width)


def ignore(epoch: Epoch, network: RankerNetwork) -> None:
    assert not network.training
    assert epoch.loss > 0


def trained(labels: NDArray[np.int64]) -> Weights:
    return fit(one_hot(labels.tolist(), 6), labels, one_hot([0, 1, 0, 1, 0, 1], 2), TINY, ignore)


def test_same_seed_same_weights() -> None:
    labels = np.array([0, 1, 2, 3, 4, 5, 0, 0, 1])
    first, second = trained(labels), trained(labels)
    assert np.array_equal(first.w2, second.w2)
    assert np.array_equal(first.w1, second.w1)


def test_learning_rate_rises_then_falls() -> None:
    rates = [rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == 1
    assert rates.index(max(rates)) == 4
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.02


def test_drawn_classes_hold_the_head_and_the_labels() -> None:
    training = RankerTraining(head=3, tail=4)
    rng = np.random.default_rng(0)
    classes, correction = draw_classes(np.array([17, 1, 17]), 20, training, rng)
    assert np.array_equal(classes, np.unique(classes))
    assert {0, 1, 2, 17} <= set(classes.tolist())
    assert len(classes) == 8
    assert np.all(correction[np.isin(classes, [0, 1, 2, 17])] == 0)
    assert correction[~np.isin(classes, [0, 1, 2, 17])] == pytest.approx(np.log(16 / 4))


def test_all_classes_are_taken_where_there_are_few() -> None:
    classes, correction = draw_classes(np.array([1]), 5, RankerTraining(head=3, tail=10), np.random.default_rng(0))
    assert classes.tolist() == [0, 1, 2, 3, 4]
    assert not correction.any()


def test_sampled_partition_function_is_unbiased() -> None:
    logits = np.random.default_rng(1).normal(size=40)
    training = RankerTraining(head=5, tail=7)
    rng = np.random.default_rng(2)
    draws = (draw_classes(np.array([30]), 40, training, rng) for _ in range(3000))
    sampled = np.mean([np.exp(logits[classes] + correction).sum() for classes, correction in draws])
    assert sampled == pytest.approx(np.exp(logits).sum(), rel=0.02)


def test_related_classes_share_what_one_of_them_learns() -> None:
    """Class 3 never occurs, but has the features of class 1: its vector moves along with that of class 1."""
    labels = np.array([0, 1] * 12)
    training = RankerTraining(hidden=8, dropout=0.0, epochs=30, batch_size=8, learning_rate=0.02, head=4)
    weights = fit(one_hot(labels.tolist(), 6), labels, one_hot([0, 1, 2, 1], 3), training, ignore)
    first = torch.tensor(weights.w1[1] + weights.b1)
    logits = torch.nn.functional.elu(first).numpy() @ weights.w2 + weights.b2
    assert logits[1] > logits[3] > max(logits[0], logits[2])
