"""Reaction vectors: masked means that no batch can change, one pass for joined texts, every encoding by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedModel

from retort.data.collate import PreparedSplit
from retort.elicitation.projection import random_projection
from retort.elicitation.vectors import (
    ENCODINGS,
    PUBLISHED,
    Encoding,
    Pair,
    TextVectors,
    encoder_sha256,
    fingerprint_vectors,
    pairs_of,
    pooled,
    pooled_texts,
)
from retort.errors import ChemistryError, DataError
from retort.models.backbone import BACKBONES, Seq2SeqConfig

WORDS = 30


def t5(seed: int = 0) -> PreTrainedModel:
    torch.manual_seed(seed)
    card = Seq2SeqConfig(d_model=16, d_kv=8, d_ff=32, layers=2, decoder_layers=1, heads=2, vocabulary_size=WORDS)
    return BACKBONES.get("t5").build(card)


def bart() -> PreTrainedModel:
    torch.manual_seed(0)
    card = BartConfig(
        vocab_size=WORDS,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=40,
    )
    return BartForConditionalGeneration(card)


NETWORKS = {"t5": t5(), "bart": bart()}
texts_of = st.lists(st.lists(st.integers(2, WORDS - 1), max_size=12).map(lambda ids: [*ids, 1]), min_size=1, max_size=9)


def pairs(count: int, seed: int = 0) -> list[Pair]:
    random = np.random.default_rng(seed)
    texts = [[*random.integers(2, WORDS, length).tolist(), 1] for length in random.integers(1, 15, 2 * count)]
    return list(zip(texts[:count], texts[count:], strict=True))


def by_hand(network: PreTrainedModel, text: list[int]) -> np.ndarray:
    network.eval()
    with torch.no_grad():
        states = network.get_encoder()(input_ids=torch.tensor([text])).last_hidden_state
    return np.asarray(states[0].mean(0))


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=25)
@given(texts=texts_of, tokens=st.integers(1, 200))
def test_a_vector_does_not_depend_on_its_batch(name: str, texts: list[list[int]], tokens: int) -> None:
    vectors = pooled(NETWORKS[name], texts, tokens_per_batch=tokens)
    alone = np.stack([by_hand(NETWORKS[name], text) for text in texts])
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(alone, abs=1e-5)


def test_joined_texts_are_read_in_one_pass_with_the_end_token_in_the_middle() -> None:
    rows = pairs(5)
    vectors = pooled_texts(t5(), rows).reaction("concat_text").values
    expected = np.stack([by_hand(t5(), [*source, *target]) for source, target in rows])
    apart = np.stack([by_hand(t5(), list(source)) + by_hand(t5(), list(target)) for source, target in rows]) / 2
    assert vectors == pytest.approx(expected, abs=1e-5)
    assert np.abs(vectors - apart).max() > 1e-3


@pytest.fixture(scope="module")
def texts() -> TextVectors:
    return pooled_texts(NETWORKS["t5"], pairs(6))


def test_every_encoding_is_what_its_name_says(texts: TextVectors) -> None:
    before, after = texts.inputs, texts.outputs
    assert (texts.reaction("input").values == before).all()
    assert (texts.reaction("output").values == after).all()
    assert (texts.reaction("difference").values == after - before).all()
    assert (texts.reaction("concat_vectors").values == np.hstack([before, after])).all()
    assert texts.reaction("dot_product").values[:, 0] == pytest.approx((before * after).sum(1), rel=1e-5)
    assert set(PUBLISHED) < set(ENCODINGS)


@pytest.mark.parametrize("encoding", [*ENCODINGS, "input"])
def test_vectors_say_where_they_come_from(texts: TextVectors, encoding: Encoding) -> None:
    vectors = texts.reaction(encoding)
    assert vectors.values.dtype == np.float32
    assert (len(vectors), vectors.encoding) == (6, encoding)
    assert vectors.origin.encoder == encoder_sha256(NETWORKS["t5"])
    projected = vectors.projected(random_projection(vectors.values.shape[1], 2, 5))
    assert projected.values.shape == (6, 2)
    assert projected.origin.projections == (f"random 2 of {vectors.values.shape[1]}, seed 5",)


def test_origins_tell_weights_rows_and_cuts_apart() -> None:
    origins = [
        pooled_texts(network, rows, joined=False).origin
        for network, rows in [
            (t5(0), [([2, 1], [3, 1])]),
            (t5(0), [([2, 1], [3, 1])]),
            (t5(1), [([2, 1], [3, 1])]),
            (t5(0), [([2, 1], [4, 1])]),
            (t5(0), [([2], [1, 3, 1])]),
        ]
    ]
    assert origins[0] == origins[1]
    assert len(set(origins)) == 4


def test_the_published_order_projects_texts_first(texts: TextVectors) -> None:
    projection = random_projection(16, 2, 1)
    first, after = texts.projected(projection), texts.reaction("difference").projected(projection)
    shift = first.reaction("difference").values - after.values
    assert shift == pytest.approx(np.repeat(shift[:1], 6, axis=0), abs=1e-5)  # the same clusters
    assert first.reaction("dot_product").values.shape == (6, 1)
    assert first.reaction("concat_vectors").values.shape == (6, 4)
    assert first.origin.projections == ("random 2 of 16, seed 1",)


def test_encoding_leaves_the_network_as_it_was() -> None:
    network = t5()
    network.train()
    network.get_encoder().block[0].eval()
    before = {name: part.training for name, part in network.named_modules()}
    first, second = (pooled(network, [[4, 5, 1]]) for _ in range(2))
    assert (first == second).all()  # no dropout
    assert {name: part.training for name, part in network.named_modules()} == before
    assert all(parameter.grad is None for parameter in network.parameters())


def test_rows_are_read_from_a_prepared_split() -> None:
    tokens = np.array([2, 1, 3, 4, 1, 5, 1, 6, 1], np.uint16)
    split = PreparedSplit(tokens, np.array([0, 2, 5, 7, 9]), np.zeros(2, np.uint8), ("retrosynthesis",), 1)
    read = pairs_of(split, np.array([1, 0]))
    assert [[list(side) for side in pair] for pair in read] == [[[5, 1], [6, 1]], [[2, 1], [3, 4, 1]]]
    assert pooled_texts(t5(), read).inputs == pytest.approx(
        np.stack([by_hand(t5(), [5, 1]), by_hand(t5(), [2, 1])]), abs=1e-5
    )


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(DataError, match="no text"):
        pooled(t5(), [])
    with pytest.raises(DataError, match="text 1 has no tokens"):
        pooled(t5(), [[1], []])
    with pytest.raises(DataError, match="text 0 has 41 tokens; the encoder reads 40"):
        pooled(bart(), [[3] * 41])
    with pytest.raises(DataError, match="joined=True"):
        pooled_texts(t5(), pairs(2), joined=False).reaction("concat_text")


def test_difference_fingerprints_see_the_change_and_not_the_spectators() -> None:
    plain, with_salt, with_reagent, reverse, nothing = fingerprint_vectors(
        ["CCO>>CC=O", "CCO.[Na+]>>CC=O.[Na+]", "CCO>ClCCl>CC=O", "CC=O>>CCO", "CCO>>OCC"], bits=512
    ).values
    assert (plain == with_salt).all()
    assert (plain == with_reagent).all()
    assert (plain == -reverse).all()
    assert plain.any()
    assert not nothing.any()


def test_a_reaction_that_cannot_be_read_has_no_fingerprint() -> None:
    with pytest.raises(ChemistryError):
        fingerprint_vectors(["CCO>>C("])
