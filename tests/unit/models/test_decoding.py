"""Decoding in memory: scores are those of the protocol."""

import math

import pytest
import torch

from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.decoding import TorchSeq2Seq
from retort.models.seq2seq import Seq2SeqModel

CARD = Seq2SeqConfig(vocabulary_size=16, d_model=16, d_kv=8, d_ff=32, layers=1, decoder_layers=1, heads=2)
SOURCES = [[3, 4, 5, 1], [6, 1], [7, 8, 9, 10, 11, 1]]


@pytest.fixture
def model() -> Seq2SeqModel:
    torch.manual_seed(4)
    return Seq2SeqModel(BACKBONES.get("t5").build(CARD))


def by_hand(model: Seq2SeqModel, source: list[int], target: list[int]) -> float:
    """Sum the log-probabilities one prefix at a time."""
    total = 0.0
    for i, token in enumerate([*target, 1]):
        with torch.no_grad():
            logits = model.network(
                input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[0, *target[:i]]])
            ).logits
        total += float(logits[0, -1].log_softmax(-1)[token])
    return total


def test_score_is_the_sum_over_tokens_and_end(model: Seq2SeqModel) -> None:
    targets = [[2, 3], [], [5, 6, 7, 8, 9]]
    scores = TorchSeq2Seq(model, batch_size=2).score(SOURCES, targets)
    assert scores == pytest.approx([by_hand(model, s, t) for s, t in zip(SOURCES, targets, strict=True)], abs=1e-4)


def test_beams_are_distinct_sorted_and_scored(model: Seq2SeqModel) -> None:
    answers = TorchSeq2Seq(model, batch_size=2).generate(SOURCES, beam_size=4, num_hypotheses=3, max_length=6)
    assert [len(hypotheses) for hypotheses in answers] == [3, 3, 3]
    for source, hypotheses in zip(SOURCES, answers, strict=True):
        assert len({h.tokens for h in hypotheses}) == 3
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)
        for h in hypotheses:
            assert len(h.tokens) <= 6
            assert 1 not in h.tokens
            assert h.score == pytest.approx(by_hand(model, source, list(h.tokens)) / (len(h.tokens) + 1), abs=1e-4)


def test_padding_changes_nothing(model: Seq2SeqModel) -> None:
    together = TorchSeq2Seq(model).generate(SOURCES, beam_size=2, num_hypotheses=2, max_length=5)
    alone = [TorchSeq2Seq(model).generate([s], beam_size=2, num_hypotheses=2, max_length=5)[0] for s in SOURCES]
    assert [[h.tokens for h in row] for row in together] == [[h.tokens for h in row] for row in alone]


@torch.no_grad()
def test_labels_alone_count(model: Seq2SeqModel) -> None:
    """A longer padded batch has the same loss, and smoothing pulls towards the uniform distribution."""
    model.eval()
    source = torch.tensor([[3, 4, 1]])
    mask = torch.ones_like(source)
    short, long = torch.tensor([[5, 1]]), torch.tensor([[5, 1, -100, -100]])
    plain, attention = model(source, mask, short)
    assert attention is None
    assert float(model(source, mask, long)[0]) == pytest.approx(float(plain), abs=1e-6)
    losses, correct = model.token_losses(source, mask, long)
    assert losses.shape == correct.shape == (1, 4)
    assert float(losses.sum() / 2) == pytest.approx(float(plain), abs=1e-6)
    assert losses[0, 2:].tolist() == [0.0, 0.0]
    assert not correct[0, 2:].any()
    logs = model.logits(source, mask, short).log_softmax(-1)
    uniform = -float(logs.mean(-1).mean())
    smooth = float(model(source, mask, short, label_smoothing=0.2)[0])
    assert smooth == pytest.approx(0.8 * float(plain) + 0.2 * uniform, abs=1e-5)
    assert math.isfinite(smooth)
