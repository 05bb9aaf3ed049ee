"""Cosines of expected gradients: right where the truth is known, blind to noise, honest where there is nothing else."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from retort.data.collate import PreparedSplit, collate
from retort.errors import DataError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.seq2seq import Seq2SeqModel
from retort.training.gradients import Cosine, batch_gradients, cosine, drawn_batches, part_of

CARD = Seq2SeqConfig(vocabulary_size=20, d_model=16, d_kv=8, d_ff=32, layers=1, decoder_layers=1, heads=2, dropout=0.5)
RANDOM = np.random.default_rng(0)


def gram(first: NDArray[np.float64], second: NDArray[np.float64], batches: int, noise: float) -> NDArray[np.float64]:
    """Return inner products of noisy gradients around two expected ones."""
    rows = np.concatenate([np.tile(mean, (batches, 1)) for mean in (first, second)])
    rows = rows + noise * RANDOM.normal(size=rows.shape)
    return rows @ rows.T


@pytest.mark.parametrize("angle", [0.0, math.pi / 3, math.pi / 2, 2.5])
def test_the_cosine_is_that_of_the_expected_gradients_and_not_of_the_noise(angle: float) -> None:
    first, second = np.zeros(400), np.zeros(400)
    first[0], second[:2] = 20.0, [20 * math.cos(angle), 20 * math.sin(angle)]
    found = cosine(gram(first, second, 40, noise=2.0), range(40), range(40, 80))
    assert found.interval[0] - 0.02 < math.cos(angle) < found.interval[1] + 0.02
    assert abs(found.plain) < abs(math.cos(angle)) + 0.02  # noise drags the plain one to 0
    exact = cosine(gram(first, second, 3, noise=0.0), range(3), range(3, 6))
    assert exact.value == pytest.approx(math.cos(angle), abs=1e-9)
    assert exact.plain == pytest.approx(math.cos(angle), abs=1e-9)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    first, second = np.zeros(200), np.zeros(200)
    first[0], second[:2] = 10.0, [6.0, 8.0]
    found = [cosine(gram(first, second, 12, noise=1.0), range(12), range(12, 24)).interval for _ in range(200)]
    inside = np.mean([low <= 0.6 <= high for low, high in found])
    assert 0.88 <= inside <= 0.99


def test_noise_alone_has_no_cosine() -> None:
    products = np.full((6, 6), -1.0) + 7 * np.eye(6)
    found = cosine(products, range(3), range(3, 6))
    assert math.isnan(found.value)
    assert found.as_dict()["value"] is None
    assert found.as_dict()["interval"] is None
    assert Cosine(0.5, (0.4, 0.6), 0.1).as_dict() == {"value": 0.5, "interval": [0.4, 0.6], "plain": 0.1}


def test_two_batches_are_too_few() -> None:
    with pytest.raises(DataError, match="three batches"):
        cosine(np.eye(5), range(2), range(2, 5))


def test_every_parameter_of_a_network_is_in_one_part() -> None:
    assert part_of("encoder.block.0.layer.0.SelfAttention.q.weight") == "encoder"
    assert part_of("decoder.final_layer_norm.weight") == "decoder"
    assert part_of("shared.weight") == part_of("lm_head.weight") == "embedding"


@pytest.fixture
def split() -> PreparedSplit:
    random = np.random.default_rng(0)
    sequences = [np.append(random.integers(2, 20, n), 1) for _ in range(40) for n in random.integers(1, 9, 2)]
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(np.int64)
    tasks, sources = np.array([0, 1] * 20, np.uint8), np.array([0, 0, 1, 1] * 10, np.uint8)
    tokens = np.concatenate(sequences).astype(np.uint16)
    return PreparedSplit(tokens, offsets, tasks, ("a", "b"), 1, sources, ("x", "y"))


def test_batches_are_of_one_task_and_no_row_comes_twice(split: PreparedSplit) -> None:
    drawn = drawn_batches(split, "b", batches=3, rows=3, longest=100, sources=("y",), seed=0)
    rows = np.concatenate(drawn)
    assert len(set(rows.tolist())) == 9
    assert set(split.tasks[rows]) == set(np.asarray(split.sources)[rows]) == {1}
    short = drawn_batches(split, "a", batches=1, rows=3, longest=8, sources=(), seed=0)
    assert all(len(split.pair(row)[0]) + len(split.pair(row)[1]) <= 8 for row in short[0].tolist())
    with pytest.raises(DataError, match="10 rows for 4 batches of 3"):
        drawn_batches(split, "b", batches=4, rows=3, longest=100, sources=("y",), seed=0)


def test_products_are_those_of_the_gradients_and_weights_stay(split: PreparedSplit) -> None:
    torch.manual_seed(0)
    model = Seq2SeqModel(BACKBONES.get("t5").build(CARD)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = drawn_batches(split, "a", batches=3, rows=4, longest=100, sources=(), seed=0)
    grams = batch_gradients(model, split, batches)
    assert model.training  # it goes on where it was, and dropout was off meanwhile
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert set(grams) == {"encoder", "decoder", "embedding", "all"}
    rows = []
    model.eval()
    for indices in batches:
        batch = collate(split, indices)
        gradients = torch.autograd.grad(
            model(batch.source, batch.source_mask, batch.labels)[0], list(model.network.parameters())
        )
        rows.append(torch.cat([g.flatten() for g in gradients]))
    expected = (torch.stack(rows) @ torch.stack(rows).T).numpy()
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs(grams["all"] - expected).max() < 0.005 * scale.max()  # kept in bf16
