"""Guided attention: what is aligned, and what the loss says of it."""

import math

import pytest
import torch

from retort.data.collate import Batch
from retort.training.alignment import MOST_ROWS, align_batch, guidance_loss, shared_runs


def batch(source: list[list[int]], labels: list[list[int]]) -> Batch:
    ids = torch.tensor(source)
    return Batch(ids, (ids != 0).long(), torch.tensor(labels), 0)


def test_common_runs_of_three_are_aligned_and_shorter_ones_are_not() -> None:
    # 7 8 9 is shared; 5 6 is shared but short; 4 is new.
    assert shared_runs([3, 7, 8, 9, 5, 6, 1], [7, 8, 9, 4, 5, 6]) == [(1, 0, 3)]


def test_each_target_token_points_to_its_twin_and_padding_to_nothing() -> None:
    alignment = align_batch(batch([[3, 7, 8, 9, 1, 0]], [[4, 7, 8, 9, 1, -100]]))
    assert alignment.tolist() == [[-1, 1, 2, 3, 4, -1]]


def test_the_loss_is_the_mean_negative_log_of_the_attention_to_the_twins() -> None:
    attention = torch.tensor([[[[0.5, 0.5], [0.1, 0.9]], [[1.0, 0.0], [1.0, 0.0]]]])  # two heads; the first one counts
    expected = -(math.log(0.5) + math.log(0.9)) / 2
    assert guidance_loss(attention, torch.tensor([[0, 1]])).item() == pytest.approx(expected)
    assert guidance_loss(attention, torch.tensor([[0, -1]])).item() == pytest.approx(-math.log(0.5))


def test_nothing_aligned_costs_nothing() -> None:
    assert guidance_loss(torch.full((1, 1, 2, 2), 0.5), torch.tensor([[-1, -1]])).item() == 0.0


def test_of_a_large_batch_some_rows_are_aligned() -> None:
    rows = 2 * MOST_ROWS + 1
    aligned = (align_batch(batch([[7, 8, 9, 1]] * rows, [[7, 8, 9, 1]] * rows)) >= 0).all(1)
    assert MOST_ROWS / 2 < int(aligned.sum()) <= MOST_ROWS
    assert (align_batch(batch([[7, 8, 9, 1]] * MOST_ROWS, [[7, 8, 9, 1]] * MOST_ROWS)) >= 0).all()
