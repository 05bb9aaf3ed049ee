"""The same answer under every type: probabilities are the model's own, and only the type differs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from retort.errors import DataError  # noqa: E402
from retort.models.annotator import type_tokens  # noqa: E402
from retort.models.backbone import BACKBONES, Seq2SeqConfig  # noqa: E402
from retort.models.decoding import TorchSeq2Seq  # noqa: E402
from retort.models.seq2seq import Seq2SeqModel  # noqa: E402
from retort.models.tracing import Trace, trace  # noqa: E402
from retort.prompting.vocabulary import Vocabulary  # noqa: E402

WORDS = Vocabulary.build(())
SOURCES = [WORDS.encode(f"<retrosynthesis><type_{label}>CCOC") for label in range(3)]
ANSWER = WORDS.encode("CCO.CI")


@pytest.fixture(scope="module")
def network() -> object:
    torch.manual_seed(0)
    card = Seq2SeqConfig(
        d_model=16, d_kv=8, d_ff=32, layers=2, decoder_layers=2, heads=2, dropout=0.5, vocabulary_size=len(WORDS)
    )
    built = BACKBONES.get("t5").build(card)
    with torch.no_grad():  # of random weights, types would hardly matter
        built.shared.weight[list(type_tokens(WORDS, 3))] *= 50
    return built.train()


def test_probabilities_are_those_of_the_model(network: object) -> None:
    found = trace(network, SOURCES, 1, ANSWER)  # type: ignore[arg-type]
    scores = TorchSeq2Seq(Seq2SeqModel(network)).score(SOURCES, [ANSWER[:-1]] * 3)  # type: ignore[arg-type]
    assert found.log_probabilities.shape == (3, len(ANSWER))
    assert found.totals == pytest.approx(np.array(scores), abs=1e-4)
    assert found.swapped(0, 2).sum() == pytest.approx(scores[0] - scores[2], abs=1e-4)
    assert np.abs(found.swapped(0, 2)).max() > 1e-3


def test_attention_is_a_share(network: object) -> None:
    places = [trace(network, SOURCES[:1], place, ANSWER).attention for place in range(len(SOURCES[0]))]  # type: ignore[arg-type]
    assert np.sum(places, axis=0) == pytest.approx(np.ones((1, len(ANSWER))))


def test_dropout_is_off_and_the_mode_is_kept(network: torch.nn.Module) -> None:
    network.train()
    first, second = (trace(network, SOURCES, 1, ANSWER) for _ in range(2))  # type: ignore[arg-type]
    assert (first.log_probabilities == second.log_probabilities).all()
    assert network.training


@pytest.mark.parametrize("sources", [[], [SOURCES[0], SOURCES[1][1:]], [SOURCES[0], WORDS.encode("<type_1>CCCOC")]])
def test_only_the_type_may_differ(network: object, sources: list[list[int]]) -> None:
    with pytest.raises(DataError, match="differ in their type alone"):
        trace(network, sources, 1, ANSWER)  # type: ignore[arg-type]


def test_swapping_is_antisymmetric() -> None:
    found = Trace(np.log([[0.5, 0.25], [0.125, 0.5]]), np.zeros((2, 2)))
    assert found.swapped(0, 1) == pytest.approx(np.log([4.0, 0.5]))
    assert found.swapped(1, 0) == pytest.approx(-found.swapped(0, 1))
