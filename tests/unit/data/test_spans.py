"""Span denoising: nothing is lost, about 15 % is taken out, and chance is given by seed, epoch and row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.data.batches import BatchLimits, plan_epoch
from retort.data.collate import PreparedSplit, collate
from retort.data.spans import MEAN_SPAN, NOISE_DENSITY, SPAN_DENOISING, corrupt, corrupted_lengths, corruption, restore

EOS = 1
SENTINELS = np.arange(900, 1000, dtype=np.uint16)
TEXTS = st.lists(st.integers(2, 899), max_size=300)


def text(tokens: list[int]) -> np.ndarray:
    return np.array([*tokens, EOS], np.uint16)


@given(TEXTS, st.integers(0, 10**6), st.integers(0, 50), st.integers(0, 10**6))
def test_the_text_can_be_restored(tokens: list[int], seed: int, epoch: int, row: int) -> None:
    whole = text(tokens)
    source, target = corrupt(whole, SENTINELS, seed, epoch, row)
    assert source.dtype == target.dtype == np.uint16
    assert restore(source, target, SENTINELS).tolist() == whole.tolist()
    assert source[-1] == target[-1] == EOS
    marks = np.flatnonzero(np.isin(source, SENTINELS))
    assert source[marks].tolist() == SENTINELS[: len(marks)].tolist()
    assert target[np.isin(target, SENTINELS)].tolist() == SENTINELS[: len(marks)].tolist()
    assert not (np.diff(marks) == 1).any()  # spans do not touch
    assert (len(marks) > 0) == bool(tokens)


@given(TEXTS, st.integers(0, 10**6))
def test_lengths_are_known_before_the_spans_are(tokens: list[int], seed: int) -> None:
    source, target = corrupt(text(tokens), SENTINELS, seed, 0, 0)
    sources, targets = corrupted_lengths(np.array([len(tokens) + 1]), len(SENTINELS))
    assert (len(source), len(target)) == (int(sources[0]), int(targets[0]))


def test_about_15_percent_in_spans_of_three() -> None:
    lengths = np.arange(30, 251)
    noise, spans = corruption(lengths, len(SENTINELS))
    assert noise.sum() / lengths.sum() == pytest.approx(NOISE_DENSITY, abs=0.002)
    assert noise.sum() / spans.sum() == pytest.approx(MEAN_SPAN, abs=0.05)
    assert np.abs(noise - NOISE_DENSITY * lengths).max() <= 0.5
    few_noise, few_spans = corruption(np.array([250]), 4)
    assert (few_noise.tolist(), few_spans.tolist()) == ([38], [4])


def test_every_place_may_be_taken_out() -> None:
    """The ends too, if more rarely, as fewer spans reach them: there T5's own code has 0 and 1."""
    whole = text(list(range(2, 42)))
    taken = np.zeros(40)
    for row in range(3000):
        source, _ = corrupt(whole, SENTINELS, 0, 0, row)
        taken += ~np.isin(whole[:-1], source)
    assert taken[3:-3] / 3000 == pytest.approx(np.full(34, 0.16), abs=0.03)
    assert taken[[0, -1]] / 3000 == pytest.approx(np.full(2, 0.055), abs=0.02)


def test_chance_is_given_by_seed_epoch_and_row() -> None:
    whole = text(list(range(2, 102)))

    def drawn(*key: int) -> list[int]:
        return corrupt(whole, SENTINELS, *key)[0].tolist()

    assert drawn(1, 2, 3) == drawn(1, 2, 3)
    assert len({tuple(drawn(*key)) for key in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4), (12, 3, 3))}) == 5


def mixed_split(rows: int = 60, copies: int = 2) -> PreparedSplit:
    """Every other row is a whole text to denoise; the others are ordinary."""
    random = np.random.default_rng(5)
    sequences = []
    for i in range(rows * copies):
        sequences.append(text(random.integers(2, 800, random.integers(1, 60)).tolist()))
        sequences.append(text([] if (i // copies) % 2 else random.integers(2, 800, 9).tolist()))
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(np.int64)
    tasks = (np.arange(rows) % 2).astype(np.uint8)
    names = ("forward_prediction", SPAN_DENOISING)
    return PreparedSplit(np.concatenate(sequences), offsets, tasks, names, copies, sentinels=SENTINELS)


def test_a_split_corrupts_the_rows_of_the_pseudo_task_alone() -> None:
    split = mixed_split()
    for row in range(len(split)):
        source, target = split.pair(row, epoch=3, seed=7)
        first = 2 * (row * 2 + (row + 3) % 2)
        stored = [split.tokens[split.offsets[i] : split.offsets[i + 1]] for i in (first, first + 1)]
        if row % 2:
            assert restore(source, target, SENTINELS).tolist() == stored[0].tolist()
            assert len(target) > 1
        else:
            assert [source.tolist(), target.tolist()] == [part.tolist() for part in stored]


def test_batches_with_denoised_rows_keep_their_budget_and_count_their_tokens() -> None:
    split, limits = mixed_split(), BatchLimits(tokens=300, source=64, target=30)
    for epoch in (0, 1):
        plan = plan_epoch(split, limits, epoch=epoch, seed=7)
        assert plan.too_long == 0
        for rows in plan.batches:
            batch = collate(split, rows, epoch, seed=7)
            assert batch.source.numel() + batch.labels.numel() <= limits.tokens
            sources, targets = split.lengths(epoch, rows)
            assert batch.source.shape[1] == sources.max()
            assert batch.labels.shape[1] == targets.max()
            assert batch.tokens == int(sources.sum() + targets.sum())
            again = collate(split, rows, epoch, seed=7)
            assert batch.source.tolist() == again.source.tolist()
            assert batch.labels.tolist() == again.labels.tolist()
    other = [collate(split, [1], epoch=2, seed=seed).labels.tolist() for seed in range(8)]
    assert len({str(labels) for labels in other}) > 1
